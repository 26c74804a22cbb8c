"""Settings that a user may make by name: on the command line, or as MLflow's `-C NAME=VALUE`."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packager.errors import ConfigError


@dataclass(frozen=True)
class Setting:
    """One setting; its option on the command line is `--NAME`."""

    name: str
    help: str
    default: Any = None
    kind: type[str | bool | int | float | Path] = str
    """Of its value. A `Path` is of a file that must be there."""
    takes_folders: bool = False
    """Of a `Path`: it may be a folder too."""
    choices: tuple[str, ...] = ()
    is_repeatable: bool = False
    """Its value is a tuple."""
    opposite: str | None = None
    """Of a switch: the name that turns it off."""
    metavar: str | None = None
    least: Any = None
    most: Any = None
    """Both of a number."""
    letter: str | None = None
    """Of the short option."""
    variable: str | None = None
    """The environment variable that it is taken from where it is not given."""


def read_settings(given: Mapping[str, Any], settings: Iterable[Setting]) -> dict[str, Any]:
    """Return the value of each setting by its name.

    :param given: texts, as a program's configuration has them, or values of the right type.
        Several values are a list, or JSON's notation of one; None is as not given.
    :raises ConfigError: a value that the setting cannot have.
    """
    return {setting.name: _value(setting, given) for setting in settings}


def _value(setting: Setting, given: Mapping[str, Any]) -> Any:
    value = given.get(setting.name)
    if setting.opposite and given.get(setting.opposite) is not None:
        return not _switch(setting.opposite, given[setting.opposite])
    if value is None and setting.variable:
        value = os.environ.get(setting.variable)
    if value is None:
        return () if setting.is_repeatable else setting.default
    if setting.kind is bool:
        return _switch(setting.name, value)
    if setting.is_repeatable:
        return tuple(_single(setting, item) for item in several(value))
    return _single(setting, value)


def several(value: Any) -> list[Any]:
    """Return the values in a list, in JSON's notation of one, or in a single value."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return [value]
    return list(value) if isinstance(value, list | tuple) else [value]


def _switch(name: str, value: Any) -> bool:
    text = str(value).lower()
    if text not in ("true", "false"):
        raise ConfigError(f"{name}={value}: say true or false")
    return text == "true"


def _single(setting: Setting, value: Any) -> Any:
    converted: Any
    try:
        converted = setting.kind(value)
    except (TypeError, ValueError):
        kind = {int: "whole number", float: "number"}.get(setting.kind, setting.kind.__name__)
        raise ConfigError(f"{setting.name}={value}: it is not a {kind}") from None
    if isinstance(converted, Path):
        is_there = converted.exists() if setting.takes_folders else converted.is_file()
        if not is_there:
            raise ConfigError(f"{setting.name}={value}: there is no such file")
    if setting.choices and converted not in setting.choices:
        names = ", ".join(setting.choices)
        raise ConfigError(f"{setting.name}: {value!r} is not one of {names}")
    if setting.least is not None and converted < setting.least:
        raise ConfigError(f"{setting.name}={value}: the least is {setting.least:g}")
    if setting.most is not None and converted > setting.most:
        raise ConfigError(f"{setting.name}={value}: the most is {setting.most:g}")
    return converted
