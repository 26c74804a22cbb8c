"""How long work tells what it is doing, without knowing who listens."""

import logging
from typing import Protocol

_logger = logging.getLogger(__name__)


class Progress(Protocol):
    """Receives one sentence per step; the command line prints them."""

    def step(self, message: str) -> None:
        """Begin a step."""

    def detail(self, message: str) -> None:
        """Add a fact to the step under way."""


class _Logged:
    def step(self, message: str) -> None:
        _logger.info(message)

    def detail(self, message: str) -> None:
        _logger.info("  %s", message)


LOGGED: Progress = _Logged()
"""For programs and notebooks: `logging.basicConfig(level=logging.INFO)` shows it."""
