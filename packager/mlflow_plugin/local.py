"""A deployment on this machine: what Lambda would run, under a server."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import click

from packager.cli.output import Console
from packager.cli.serve import command
from packager.mlflow_plugin.errors import mlflow_errors
from packager.mlflow_plugin.options import serve_words


def run_local(
    name: str,
    model_uri: str,
    flavor: str | None = None,
    config: Mapping[str, Any] | None = None,
) -> None:
    """Serve the model as `packager serve` does, until Ctrl-C.

    :param flavor: of a bare model file that does not tell; else the one that it is served by.
    :raises MlflowException: the model or a setting cannot be used.
    """
    # Ctrl-C is how it ends.
    with mlflow_errors(), suppress(KeyboardInterrupt, click.Abort):
        words = ["--model-uri", model_uri, *(["--flavor", flavor] if flavor else [])]
        command.main([*words, *serve_words(config)], standalone_mode=False, obj=Console())
