"""`packager predict`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from packager.api.settings import ENV_MANAGER, SOURCE_SETTINGS
from packager.cli.output import Console, check_folder, pass_console, write_atomically
from packager.cli.setting_options import model_uri_option, setting_options
from packager.errors import ConfigError

if TYPE_CHECKING:
    from packager.local.predict import ContentType


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
@setting_options(SOURCE_SETTINGS)
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
@setting_options((ENV_MANAGER,))
@pass_console
def command(
    console: Console,
    model_uri: str,
    settings: dict[str, Any],
    input_path: Path | None,
    output_path: Path | None,
    content_type: "ContentType",
) -> None:
    """Score a file with a model and print {"predictions": ...}.

    As `mlflow models predict`, for the same input and with the same output. JSON input has
    one of the keys dataframe_split, dataframe_records, instances and inputs; CSV has a
    header line.
    """
    from packager.api.models import open_model
    from packager.api.settings import source_options
    from packager.local.predict import predict

    if output_path:
        check_folder(output_path)
    data = _read(input_path)
    console.step(f"Opening {model_uri}")
    with open_model(model_uri, **source_options(settings), progress=console) as model:
        predictions = predict(
            model.folder,
            data,
            content_type=content_type,
            env_manager=settings["env-manager"],
            progress=console,
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
