"""What `-C NAME=VALUE` may say: options of packager's commands, and the template's parameters."""

import difflib
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packager.api.settings import BUILD_SETTINGS, SERVE_SETTINGS, SOURCE_SETTINGS
from packager.bundle.template import render_template
from packager.deploying.parameters import LAYER_ARN, SET_BY_DEPLOY, declared_parameters
from packager.mlflow_plugin.errors import wrong_value
from packager.support.setting import Setting, read_settings, several

_BUCKET, _PREFIX = "bucket", "prefix"
# A function is made of a zip, and MLflow has an argument of its own for the flavor.
_BUILD = tuple(
    setting
    for setting in (*SOURCE_SETTINGS, *BUILD_SETTINGS)
    if setting.name not in ("flavor", "package")
)
_SERVE = tuple(
    setting for setting in (*SOURCE_SETTINGS, *SERVE_SETTINGS) if setting.name != "flavor"
)
_HELP = """\
AWS Lambda, by packager. The target is `lambda`, or `lambda:/REGION` for another region than your
AWS settings name. A deployment is a CloudFormation stack of its name: a function, an API that is
closed unless you open it, alarms, a log. Each version answers a sample request before it gets
traffic.

  mlflow deployments create -t lambda --name my-rf -m models:/MyRandomForest/1 -C bucket=my-models
  mlflow deployments predict -t lambda --name my-rf -I input.json
  mlflow deployments update -t lambda --name my-rf -m models:/MyRandomForest/2
  mlflow deployments delete -t lambda --name my-rf

input.json is a table as pandas.read_json reads it, or a body for /invocations: dataframe_split,
dataframe_records, or lists in inputs or instances. It may have params beside a mapping, so not
beside dataframe_records. Other bodies are for programs: MLflow reads the file as a table first.

Several values of one name are a JSON list, switches are true or false.

-C NAME=VALUE of create and update: where the model and the zip go,

  bucket  an S3 bucket; update: the one before
  prefix  of their keys; default: packager/NAME

what `packager build` does,

{build}

and the parameters of template.yaml, which updates keep:

{parameters}

-C NAME=VALUE of run-local, which is `packager serve`:

{serve}
"""


@dataclass(frozen=True)
class DeployOptions:
    """The settings of one deployment."""

    build: Mapping[str, Any]
    """Of `SOURCE_SETTINGS` and `BUILD_SETTINGS`, by name."""
    parameters: Mapping[str, str]
    """Of template.yaml, by name."""
    bucket: str | None
    prefix: str | None


def read_options(config: Mapping[str, Any] | None, flavor: str | None = None) -> DeployOptions:
    """Sort a deployment's configuration.

    :param flavor: MLflow's argument.
    :raises MlflowException: it has an unknown name.
    :raises ConfigError: a value that its setting cannot have.
    """
    given = {name: value for name, value in (config or {}).items() if value is not None}
    bucket, prefix = given.pop(_BUCKET, None), given.pop(_PREFIX, None)
    options, parameters = _names(_BUILD), _parameters()
    for name, value in ((_BUCKET, bucket), (_PREFIX, prefix)):
        if not isinstance(value, str | None):
            raise wrong_value(f"{name}={value}: it is a text")
    _check_names(given, (_BUCKET, _PREFIX, *options, *parameters))
    return DeployOptions(
        build=read_settings(given, _BUILD) | {"flavor": flavor, "package": "zip"},
        parameters={
            name: ",".join(map(str, several(value)))
            for name, value in given.items()
            if name in parameters
        },
        bucket=bucket,
        prefix=prefix,
    )


def read_serve_settings(
    config: Mapping[str, Any] | None, flavor: str | None = None
) -> dict[str, Any]:
    """Return a configuration as values of `SOURCE_SETTINGS` and `SERVE_SETTINGS`.

    :raises MlflowException: as `read_options` does.
    :raises ConfigError: as `read_options` does.
    """
    _check_names(config or {}, _names(_SERVE))
    return read_settings(config or {}, _SERVE) | {"flavor": flavor}


def target_help() -> str:
    """Return what `mlflow deployments help -t lambda` prints."""
    return _HELP.format(
        build=_described(_BUILD),
        parameters=textwrap.fill(
            ", ".join(_parameters()), 96, initial_indent="  ", subsequent_indent="  "
        ),
        serve=_described(_SERVE),
    )


def _names(settings: Sequence[Setting]) -> list[str]:
    opposites = [setting.opposite for setting in settings if setting.opposite]
    return [setting.name for setting in settings] + opposites


def _parameters() -> tuple[str, ...]:
    # The bundle's own template has no others; an error must not wait for its build.
    names = {*declared_parameters(render_template()), LAYER_ARN}
    return tuple(sorted(names - SET_BY_DEPLOY))


def _check_names(given: Mapping[str, Any], known: Iterable[str]) -> None:
    names = tuple(known)
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(str(name), names, n=1)
            hint = f"Did you mean {near[0]}?" if near else "`mlflow deployments help` lists them."
            raise wrong_value(f"there is no setting {name}. {hint}")


def _described(settings: Sequence[Setting]) -> str:
    rows = []
    for setting in settings:
        # Without what is true of the command line alone.
        text = setting.help.partition("  [default: ")[0]
        rows.append((setting.name, text.replace("; repeatable.", "; or a list of them.")))
        if setting.opposite:
            rows.append((setting.opposite, f"The opposite of {setting.name}."))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name.ljust(width)}  {text}" for name, text in rows)
