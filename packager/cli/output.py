"""What the command line prints: results on stdout, talk on stderr."""

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from packager.errors import ConfigError
from packager.support.atomic import write_whole


class Console:
    """Prints for people, for pipes and for machines.

    :param quiet: 0 says everything, 1 no progress, 2 no warnings either.
    """

    def __init__(self, quiet: int = 0) -> None:
        self._quiet = quiet
        self._started = time.monotonic()
        self.is_json = False
        """Whether results are for machines: `json_option` says so."""

    def show(self, document: Any, lines: Iterable[str]) -> None:
        """Print the command's result: as one JSON document, or as these lines for people."""
        if self.is_json:
            self.json(document)
        else:
            self.result("\n".join(lines))

    def result(self, text: object) -> None:
        """Print a result for people on stdout."""
        click.echo(text)

    def json(self, document: Any) -> None:
        """Print one JSON document on stdout."""
        click.echo(json_text(document))

    def step(self, message: str) -> None:
        """Say on stderr which step begins, with the seconds since the start."""
        if self._quiet == 0:
            elapsed_s = time.monotonic() - self._started
            self._talk(f"[{elapsed_s:6.1f}s] {message}", "bold")

    def detail(self, message: str) -> None:
        """Say a fact of the step under way."""
        if self._quiet == 0:
            self._talk(f"          {message}", "dim")

    def warn(self, message: str) -> None:
        """Warn on stderr."""
        if self._quiet < 2:
            self._talk(f"warning: {message}", "yellow")

    def error(self, message: str, hint: str | None = None) -> None:
        """Print an error, and what to do next, on stderr."""
        self._talk(f"error: {message}", "red")
        if hint:
            self._talk(f"  hint: {hint}", "cyan")

    def _talk(self, message: str, style: str) -> None:
        if sys.stderr.isatty():
            # rich costs 100 ms to import: only a person at a terminal pays for it.
            from rich.console import Console as RichConsole

            RichConsole(stderr=True, soft_wrap=True, highlight=False).print(
                message, style=style, markup=False
            )
        else:
            click.echo(message, err=True)


def json_text(document: Any) -> str:
    """Return JSON for machines that people can read too."""
    return json.dumps(document, indent=2)


pass_console = click.make_pass_decorator(Console, ensure=True)


def _choose_json(context: click.Context, _option: click.Parameter, value: bool) -> None:
    context.ensure_object(Console).is_json = value


json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    expose_value=False,
    callback=_choose_json,
    help="Print one JSON document on stdout.",
)
"""For what a command gives to `Console.show`."""


def check_folder(path: Path) -> None:
    """Refuse a file that can never be written, before the work that is to fill it.

    :raises ConfigError: its folder does not exist.
    """
    if not path.parent.is_dir():
        raise ConfigError(f"cannot write {path}: there is no folder {path.parent}")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that is never seen half written.

    :raises ConfigError: the place cannot be written.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error
