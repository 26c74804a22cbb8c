"""What `-C NAME=VALUE` may say: options of packager's commands, and the template's parameters."""

import difflib
import json
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from packager.bundle.template import render_template
from packager.cli import build, serve
from packager.deploying.parameters import LAYER_ARN, SET_BY_DEPLOY, declared_parameters
from packager.mlflow_plugin.errors import wrong_value

_BUCKET, _PREFIX = "bucket", "prefix"
# Of `packager build`: what the plugin itself decides, or would print.
_NOT_OF_A_DEPLOYMENT = {"--output", "--package", "--report", "--dry-run", "--json", "--flavor"}
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

    build: tuple[str, ...]
    """Words for `packager build`."""
    parameters: Mapping[str, str]
    """Of template.yaml, by name."""
    bucket: str | None
    prefix: str | None


def read_options(config: Mapping[str, Any] | None) -> DeployOptions:
    """Sort a deployment's configuration.

    :raises MlflowException: it has an unknown name, or a switch that is neither true nor false.
    """
    given = {name: value for name, value in (config or {}).items() if value is not None}
    bucket, prefix = given.pop(_BUCKET, None), given.pop(_PREFIX, None)
    options, parameters = _build_options(), _parameters()
    for name, value in ((_BUCKET, bucket), (_PREFIX, prefix)):
        if not isinstance(value, str | None):
            raise wrong_value(f"{name}={value}: it is a text")
    _check_names(given, (_BUCKET, _PREFIX, *options, *parameters))
    return DeployOptions(
        build=_words({k: v for k, v in given.items() if k in options}, options),
        parameters={
            name: ",".join(map(str, _several(value)))
            for name, value in given.items()
            if name in parameters
        },
        bucket=bucket,
        prefix=prefix,
    )


def serve_words(config: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return a configuration as words for `packager serve`.

    :raises MlflowException: as `read_options` does.
    """
    options = _serve_options()
    _check_names(config or {}, options)
    return _words(config or {}, options)


def target_help() -> str:
    """Return what `mlflow deployments help -t lambda` prints."""
    return _HELP.format(
        build=_described(_build_options()),
        parameters=textwrap.fill(
            ", ".join(_parameters()), 96, initial_indent="  ", subsequent_indent="  "
        ),
        serve=_described(_serve_options()),
    )


def _build_options() -> dict[str, click.Option]:
    return _options_of(build.command, _NOT_OF_A_DEPLOYMENT)


def _serve_options() -> dict[str, click.Option]:
    return _options_of(serve.command, {"--model-uri", "--flavor"})


def _options_of(command: click.Command, without: set[str]) -> dict[str, click.Option]:
    """Return a command's long options by name, without their dashes."""
    return {
        word.removeprefix("--"): option
        for option in command.params
        if isinstance(option, click.Option)
        for word in (*option.opts, *option.secondary_opts)
        if word.startswith("--") and word not in without
    }


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


def _words(given: Mapping[str, Any], options: Mapping[str, click.Option]) -> tuple[str, ...]:
    words: list[str] = []
    for name, value in given.items():
        if options[name].is_flag:
            words += _switch(options[name], name, value)
        else:
            words += [word for item in _several(value) for word in (f"--{name}", str(item))]
    return tuple(words)


def _switch(option: click.Option, name: str, value: Any) -> list[str]:
    text = str(value).lower()
    if text not in ("true", "false"):
        raise wrong_value(f"{name}={value}: say true or false")
    word = f"--{name}"
    if text == "true":
        return [word]
    # A switch without an opposite is off unless it is named.
    return (option.opts if word in option.secondary_opts else option.secondary_opts)[:1]


def _several(value: Any) -> list[Any]:
    """Return the values of an option: MLflow takes a name once, so several are a JSON list."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return [value]
    return list(value) if isinstance(value, list | tuple) else [value]


def _described(options: Mapping[str, click.Option]) -> str:
    width = max(map(len, options))
    return "\n".join(
        f"  {name.ljust(width)}  {_help_of(name, option)}" for name, option in options.items()
    )


def _help_of(name: str, option: click.Option) -> str:
    """Return an option's help without what is true of the command line alone."""
    if f"--{name}" in option.secondary_opts:
        return f"The opposite of {option.opts[0].removeprefix('--')}."
    text = option.help or ""
    return text.partition("  [default: ")[0].replace("; repeatable.", "; or a list of them.")
