"""The options by which several commands name a model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])

model_argument = click.argument("model")
model_uri_option = click.option(
    "--model-uri",
    "-m",
    required=True,
    metavar="MODEL",
    help="The model: a folder, a models:/, runs:/ or s3:// URI, or a bare file with --flavor.",
)
env_manager_option = click.option(
    "--env-manager",
    type=click.Choice(["uv", "local"]),
    default="uv",
    show_default=True,
    help="uv: a cached environment with the model's own requirements; local: the current one.",
)


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
