"""A deployment on this machine: what Lambda would run, under a server."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import click

from packager.api.models import open_model, serve
from packager.api.settings import serve_config, source_options
from packager.mlflow_plugin.errors import mlflow_errors
from packager.mlflow_plugin.options import read_serve_settings
from packager.mlflow_plugin.talk import Talk


def run_local(
    name: str, model_uri: str, flavor: str | None = None, config: Mapping[str, Any] | None = None
) -> None:
    """Serve the model as `packager serve` does, until Ctrl-C.

    :param flavor: of a bare model file that does not tell; else the one that it is served by.
    :raises MlflowException: the model or a setting cannot be used.
    """
    talk = Talk()
    # Ctrl-C is how it ends.
    with mlflow_errors(), suppress(KeyboardInterrupt):
        settings = read_serve_settings(config, flavor)
        talk.step(f"Opening {model_uri}")
        with open_model(model_uri, **source_options(settings), progress=talk) as model:
            serve(model, serve_config(settings), on_ready=click.echo, progress=talk)
