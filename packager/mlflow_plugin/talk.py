"""What the plugin says while it works."""

import time

import click


class Talk:
    """Says everything on stderr: stdout is MLflow's, or the program's that calls it."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def step(self, message: str) -> None:
        """Say which step begins, with the seconds since the start."""
        click.echo(f"[{time.monotonic() - self._started:6.1f}s] {message}", err=True)

    def detail(self, message: str) -> None:
        """Say a fact of the step under way."""
        click.echo(f"          {message}", err=True)

    def warn(self, message: str) -> None:
        """Warn."""
        click.echo(f"warning: {message}", err=True)
