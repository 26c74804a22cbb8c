"""How long work tells what it is doing, without knowing who listens."""

from typing import Protocol


class Progress(Protocol):
    """Receives one sentence per step; the command line prints them."""

    def step(self, message: str) -> None:
        """Begin a step."""

    def detail(self, message: str) -> None:
        """Add a fact to the step under way."""


class _Silent:
    def step(self, message: str) -> None:
        pass

    def detail(self, message: str) -> None:
        pass


SILENT: Progress = _Silent()
