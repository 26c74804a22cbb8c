"""`packager serve`."""

from typing import TYPE_CHECKING

import click

from packager.cli.model_options import env_manager_option, model_uri_option, source_options
from packager.cli.output import Console, pass_console

if TYPE_CHECKING:
    from packager.cli.model_options import ModelOptions
    from packager.local.prepared import EnvManager
    from packager.local.serve import Served


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
@source_options
@click.option(
    "--port",
    "-p",
    type=click.IntRange(0, 65535),
    envvar="MLFLOW_PORT",
    show_envvar=True,
    default=5000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--host",
    "-h",
    envvar="MLFLOW_HOST",
    show_envvar=True,
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 is every network's.",
)
@click.option(
    "--timeout",
    "-t",
    "timeout_s",
    type=click.IntRange(min=1),
    envvar="MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT",
    show_envvar=True,
    default=60,
    show_default=True,
    help="Seconds for one request.",
)
@click.option(
    "--workers",
    "-w",
    type=click.IntRange(min=1),
    envvar="MLFLOW_MODELS_WORKERS",
    show_envvar=True,
    default=1,
    show_default=True,
    help="Number of server processes.",
)
@env_manager_option
@pass_console
def command(
    console: Console,
    model_uri: str,
    source: "ModelOptions",
    port: int,
    host: str,
    timeout_s: int,
    workers: int,
    env_manager: "EnvManager",
) -> None:
    """Serve a model on this machine, with the app that runs on Lambda.

    A drop-in for `mlflow models serve`: same requests, same answers, and its options but
    those for conda and for installing MLflow. Ends with Ctrl-C.
    """
    from packager.local.serve import ServeConfig, serve

    def tell(served: "Served") -> None:
        console.result(f"Listening on {served.url}, Ctrl-C ends")
        if served.curl:
            console.result(f"Try: {served.curl}")

    config = ServeConfig(host, port, workers, timeout_s, env_manager)
    console.step(f"Opening {model_uri}")
    with source.opened(model_uri, console) as folder:
        serve(folder, config, on_ready=tell, progress=console)
