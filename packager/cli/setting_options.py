"""Options made from tables of settings, and the parameters by which commands name a model."""

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from packager.support.setting import Setting

MODEL = click.Path(readable=False)
"""Takes any text, a URI too, as it is; what it says is that shells offer files."""
model_argument = click.argument("model", type=MODEL)
model_uri_option = click.option(
    "--model-uri",
    "-m",
    type=MODEL,
    required=True,
    metavar="MODEL",
    help="The model: a folder, a models:/, runs:/ or s3:// URI, or a bare file or folder.",
)


def setting_options(
    settings: Iterable[Setting],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add an option for each setting; the command gets all their values, by name, as `settings`."""
    destinations = {setting.name.replace("-", "_"): setting for setting in settings}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def collected(*args: Any, **values: Any) -> None:
            given = {setting.name: values.pop(name) for name, setting in destinations.items()}
            command(*args, settings=given | values.pop("settings", {}), **values)

        # functools.wraps copies the options that are there already; they go behind these.
        decorated: Callable[..., None] = collected
        for name, setting in reversed(destinations.items()):
            decorated = _option(name, setting)(decorated)
        return decorated

    return decorate


def _option(name: str, setting: Setting) -> Callable[[Callable[..., None]], Callable[..., None]]:
    words = [f"--{setting.name}"]
    if setting.opposite:
        words = [f"--{setting.name}/--{setting.opposite}"]
    if setting.letter:
        words.append(f"-{setting.letter}")
    options: dict[str, Any] = {
        "help": setting.help,
        "envvar": setting.variable,
        "show_envvar": setting.variable is not None,
        "show_default": bool(setting.default),
    }
    if setting.kind is bool:
        options |= {"is_flag": True, "default": setting.default}
    else:
        options |= {"type": _type(setting), "metavar": setting.metavar}
        if setting.is_repeatable:
            options["multiple"] = True
        else:
            options["default"] = setting.default
    return click.option(*words, name, **options)


def _type(setting: Setting) -> "click.ParamType[Any]":
    if setting.choices:
        return click.Choice(setting.choices)
    if setting.kind is Path:
        return click.Path(path_type=Path, dir_okay=setting.takes_folders, exists=True)
    if setting.kind is int:
        return click.IntRange(setting.least, setting.most)
    if setting.kind is float:
        return click.FloatRange(setting.least, setting.most)
    return click.STRING
