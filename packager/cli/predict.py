"""`packager predict`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from packager.cli.model_options import env_manager_option, model_uri_option, source_options
from packager.cli.output import Console, check_folder, pass_console, write_atomically
from packager.errors import ConfigError

if TYPE_CHECKING:
    from packager.cli.model_options import ModelOptions
    from packager.local.predict import ContentType
    from packager.local.prepared import EnvManager


@click.command(
    epilog="""
    \b
    Examples:
      packager predict -m models:/MyRandomForest/latest -i request.json -o predictions.json
      packager predict -m ./model -i rows.csv -t csv
      echo '{"inputs": [[1, 2, 3, 4]]}' | packager predict -m runs:/0a1b2c/model
    """
)
@model_uri_option
@source_options
@click.option(
    "--input-path",
    "-i",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="File with the scoring request; default: stdin.",
)
@click.option(
    "--output-path",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the predictions, as JSON; default: stdout.",
)
@click.option(
    "--content-type",
    "-t",
    type=click.Choice(["json", "csv"]),
    default="json",
    show_default=True,
    help="What the input is.",
)
@env_manager_option
@pass_console
def command(
    console: Console,
    model_uri: str,
    source: "ModelOptions",
    input_path: Path | None,
    output_path: Path | None,
    content_type: "ContentType",
    env_manager: "EnvManager",
) -> None:
    """Score a file with a model and print {"predictions": ...}.

    As `mlflow models predict`, for the same input and with the same output. JSON input has
    one of the keys dataframe_split, dataframe_records, instances and inputs; CSV has a
    header line.
    """
    from packager.local.predict import predict

    if output_path:
        check_folder(output_path)
    data = _read(input_path)
    console.step(f"Opening {model_uri}")
    with source.opened(model_uri, console) as folder:
        predictions = predict(
            folder, data, content_type=content_type, env_manager=env_manager, progress=console
        )
    if output_path:
        write_atomically(output_path, predictions)
    else:
        # Without a newline, as MLflow does.
        click.echo(predictions, nl=False)


def _read(path: Path | None) -> bytes:
    if path is None:
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
