"""The options by which several commands name a model."""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from packager.progress import Progress

model_argument = click.argument("model")
model_uri_option = click.option(
    "--model-uri",
    "-m",
    required=True,
    metavar="MODEL",
    help="The model: a folder, a models:/, runs:/ or s3:// URI, or a bare file or folder.",
)
env_manager_option = click.option(
    "--env-manager",
    type=click.Choice(["uv", "local"]),
    default="uv",
    show_default=True,
    help="uv: a cached environment with the model's own requirements; local: the current one.",
)


@dataclass(frozen=True)
class ModelOptions:
    """What the user said of a bare model file."""

    flavor: str | None
    input_example: Path | None
    trusted_types: tuple[str, ...]

    def opened(self, uri: str, progress: Progress) -> AbstractContextManager[Path]:
        """Open the model for as long as the block runs; yields its MLflow folder.

        :raises ModelError: there is none, or it cannot be used.
        """
        from packager.sources.model_uri import open_model

        return open_model(
            uri,
            flavor=self.flavor,
            input_example=self.input_example,
            trusted_types=self.trusted_types,
            progress=progress,
        )


_SOURCE_OPTIONS = (
    click.option(
        "--flavor",
        help="Flavor of a bare model file that does not tell, as a pickle: sklearn, lightgbm ...",
    ),
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


def source_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what a bare model file cannot tell of itself; the command gets it as `source`."""

    @functools.wraps(command)
    def collected(
        *args: Any,
        flavor: str | None,
        input_example: Path | None,
        trust: tuple[str, ...],
        **others: Any,
    ) -> None:
        command(*args, source=ModelOptions(flavor, input_example, trust), **others)

    for option in reversed(_SOURCE_OPTIONS):
        collected = option(collected)
    return collected
