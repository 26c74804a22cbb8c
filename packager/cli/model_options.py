"""The options by which several commands name a model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])

model_argument = click.argument("model")


def source_options(command: _Command) -> _Command:
    """Add what a bare model file cannot tell of itself."""
    options = (
        click.option("--flavor", help="Flavor of a bare model file: sklearn."),
        click.option(
            "--input-example",
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            help="Rows (.csv or .json) from which a bare file's signature is inferred.",
        ),
        click.option(
            "--trust",
            multiple=True,
            metavar="TYPE",
            help="A type that a bare .skops file may construct; repeatable.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
