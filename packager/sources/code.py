"""Modules of the user's own, added to a model's code as MLflow's `code_paths` would have been.

Source: `_validate_and_copy_code_paths` of `mlflow/utils/model_utils.py` (MLflow 3.18).
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from handler.manifest import stays_inside
from packager.errors import ConfigError, MLmodelInvalid
from packager.model.files import posix_name
from packager.model.mlmodel import MLMODEL_NAME, read_document
from packager.progress import Progress

_FOLDER = "code"
"""MLflow's name of it."""


def check_code_paths(paths: Iterable[str | os.PathLike[str]]) -> tuple[Path, ...]:
    """Return the paths of modules and packages.

    :raises ConfigError: one is missing, or is a wheel.
    """
    found = tuple(Path(path).expanduser() for path in paths)
    for path in found:
        if not path.exists():
            raise ConfigError(f"--code-path {path}: there is no such file or folder")
        if path.suffix == ".whl":
            raise ConfigError(
                f"--code-path {path}: a wheel is a requirement", hint=f"Give it as --with {path}."
            )
    return found


def add_code(model: Path, paths: Iterable[Path], folder: Path, progress: Progress) -> None:
    """Write a model folder that is this model with these modules in its code.

    :param model: an MLflow model folder, which stays as it is.
    :param paths: modules or packages; what the model has under the same name they replace.
    :param folder: an empty one, for the model with them.
    :raises ModelError: its MLmodel file cannot be read.
    """
    document = read_document(model / MLMODEL_NAME)
    sections = _sections(document)
    names = (section.get("code") for section in sections)
    named = next((name for name in names if isinstance(name, str) and name), _FOLDER)
    code_path = posix_name(model, named)
    if not stays_inside(code_path):
        raise MLmodelInvalid(model / MLMODEL_NAME, [f"code {named!r} is not inside the folder"])
    for section in sections:
        section["code"] = code_path
    shutil.copytree(model, folder, copy_function=link_or_copy, dirs_exist_ok=True, symlinks=True)
    _replace(folder / MLMODEL_NAME)
    text = yaml.safe_dump(document, sort_keys=False)
    (folder / MLMODEL_NAME).write_text(text, encoding="utf-8")
    for path in paths:
        # As MLflow: of `.` and `..` the folder's own name.
        name = path.resolve().name
        place = folder / code_path / name
        if _replace(place):
            progress.detail(f"{name} of the model's code is replaced by {path}")
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, place, ignore=_no_code)
        else:
            shutil.copyfile(path, place)


def _sections(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the flavors' sections; what is wrong with them is said when the model is read."""
    flavors = document.get("flavors")
    sections = flavors.values() if isinstance(flavors, dict) else ()
    return [section for section in sections if isinstance(section, dict)]


def _replace(path: Path) -> bool:
    """Make room for another file or folder; return whether there was one.

    A file of this folder may be a link to the model's own: it must not be written to.
    """
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
    else:
        return False
    return True


def link_or_copy(source: str, target: str) -> None:
    """Give a file a second name where that can be, for models are large; else copy it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _no_code(_parent: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(".") or name == "__pycache__"]
