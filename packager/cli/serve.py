"""`packager serve`."""

from typing import Any

import click

from packager.api.settings import SERVE_SETTINGS, SOURCE_SETTINGS
from packager.cli.output import Console, pass_console
from packager.cli.setting_options import model_uri_option, setting_options


@click.command(
    # As in `mlflow models serve`, -h is the host.
    context_settings={"help_option_names": ["--help"]},
    epilog="""
    \b
    Examples:
      packager serve -m models:/MyRandomForest/latest -p 5000
      packager serve -m ./model -h 0.0.0.0 -w 4 -t 10
      packager serve -m model.skops --flavor sklearn --env-manager local
    """,
)
@model_uri_option
@setting_options(SOURCE_SETTINGS)
@setting_options(SERVE_SETTINGS)
@pass_console
def command(console: Console, model_uri: str, settings: dict[str, Any]) -> None:
    """Serve a model on this machine, with the app that runs on Lambda.

    A drop-in for `mlflow models serve`: same requests, same answers, and its options but
    those for conda and for installing MLflow. Ends with Ctrl-C.
    """
    from packager.api.models import open_model, serve
    from packager.api.settings import serve_config, source_options

    console.step(f"Opening {model_uri}")
    with open_model(model_uri, **source_options(settings), progress=console) as model:
        serve(model, serve_config(settings), on_ready=console.result, progress=console)
