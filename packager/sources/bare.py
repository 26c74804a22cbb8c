"""Bare models: write the MLflow model folder that they lack, without loading them."""

import json
import platform
import shutil
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from packager.errors import ConfigError, ModelError
from packager.model.files import resolve_inside
from packager.model.mlmodel import MLMODEL_NAME
from packager.model.whole import check_whole
from packager.progress import Progress
from packager.sources.barefiles import find_format
from packager.sources.bareformat import BareFormat, Found
from packager.sources.examples import InputExample, read_input_example
from packager.sources.pickles import check_trusted_types


def write_bare_model(
    source: Path,
    folder: Path,
    *,
    flavor: str | None,
    input_example: Any,
    trusted_types: Sequence[str],
    progress: Progress,
) -> None:
    """Write the MLflow model folder that MLflow itself would have written around the source.

    The source is never loaded here: a pickle is a program. Equal inputs give equal folders.

    :param source: a file, or the folder of a model that is one.
    :param flavor: the library that wrote it; None: what it is is to be seen from it.
    :param input_example: as `read_input_example` takes it; None: the model gets no signature.
    :param trusted_types: what skops may construct besides its own defaults.
    :raises ModelIncomplete: the source is empty, cut short, or something else in its place.
    :raises ModelError: it is not what its name says, or its origin is unclear.
    :raises ConfigError: an unknown flavor, one that must be given, or an unusable example.
    """
    _check_regular(source)
    check_whole(source.parent, [source.name])
    row = find_format(source, flavor)
    found = row.read(source)
    _check_trust(source, trusted_types)
    example = None if input_example is None else read_input_example(input_example)
    progress.detail(f"{source.name} is a bare {row.flavor} model")
    for note in found.notes:
        progress.detail(note)
    _copy(source, found, folder)
    version = _write_environment(source, row, found, folder, progress)
    if example:
        _write_json(folder / "input_example.json", example.example)
        _write_json(folder / "serving_input_example.json", example.serving)
    document = _mlmodel(row, found, version, trusted_types, example)
    (folder / MLMODEL_NAME).write_text(yaml.safe_dump(document), encoding="utf-8")


def _check_regular(source: Path) -> None:
    """Refuse a folder with links: it shall not make us ship what lies outside of it."""
    for path in sorted(source.rglob("*")) if source.is_dir() else ():
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            what = "a symbolic link" if path.is_symlink() else "neither a file nor a folder"
            raise ModelError(
                f"{path} is {what}", hint="Put the file itself in its place, or remove it."
            )


def _check_trust(source: Path, trusted_types: Sequence[str]) -> None:
    if source.suffix == ".skops":
        check_trusted_types(source, trusted_types)
    elif trusted_types:
        raise ConfigError(f"--trust is for .skops files; {source} is none")


def _copy(source: Path, found: Found, folder: Path) -> None:
    data = folder / found.data
    data.parent.mkdir(parents=True, exist_ok=True)
    if found.content is not None:
        data.write_text(found.content, encoding="utf-8")
    elif source.is_dir():
        shutil.copytree(source, data, symlinks=True)
    else:
        shutil.copyfile(source, data)
    for name in found.beside:
        _copy_beside(source, name, data.parent)
    for name, text in found.texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def _copy_beside(source: Path, name: str, folder: Path) -> None:
    issues: list[str] = []
    path = resolve_inside(source.parent, name, issues)
    if path is None:
        raise ModelError(
            f"{source} keeps a part of itself elsewhere: {issues[0]}",
            hint="Put the files that it was saved with beside it.",
        )
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, folder / name)


def _mlmodel(
    row: BareFormat,
    found: Found,
    version: str | None,
    trusted_types: Sequence[str],
    example: InputExample | None,
) -> dict[str, Any]:
    """Return the document as MLflow 3.18 writes it, less the run that never was."""
    section = dict(found.section)
    if row.version_key:
        section[row.version_key] = version
    if trusted_types:
        section["skops_trusted_types"] = list(trusted_types)
    pyfunc = {
        "env": {"virtualenv": "python_env.yaml"},
        "loader_module": f"mlflow.{row.flavor}",
        "python_version": platform.python_version(),
        **found.pyfunc,
    }
    document: dict[str, Any] = {"flavors": {"python_function": pyfunc, row.flavor: section}}
    if example:
        document["saved_input_example_info"] = example.info
        document["signature"] = {
            "inputs": json.dumps(example.inputs),
            "outputs": None,
            "params": None,
        }
    return document


def _write_environment(
    source: Path, row: BareFormat, found: Found, folder: Path, progress: Progress
) -> str | None:
    """Write what the model needs; return its library's version, where that is known."""
    beside = source.parent / "requirements.txt"
    version = _sound(found.version)
    if beside.is_file():
        progress.detail(f"Requirements: {beside}")
        shutil.copyfile(beside, folder / "requirements.txt")
    else:
        origin = "recorded in the file" if version else "the one installed here"
        version = version or _installed(source, row.library)
        progress.detail(f"Requirements: {row.library} {version}, {origin}")
        library = f"{row.library}{'==' if version[0].isdigit() else ''}{version}"
        lines = "\n".join([library, *found.requirements])
        (folder / "requirements.txt").write_text(f"{lines}\n", encoding="utf-8")
    progress.detail(f"Python: {platform.python_version()}, the one that runs packager")
    environment = {"python": platform.python_version(), "dependencies": ["-r requirements.txt"]}
    (folder / "python_env.yaml").write_text(yaml.safe_dump(environment), encoding="utf-8")
    return version


def _sound(version: str | None) -> str | None:
    """Return a version or specifier that a file records; None: it is no such thing.

    It is going to be a part of a requirement, which a file must not choose.
    """
    try:
        # As packaging writes it: `v1.0` would be read as a part of the library's name.
        return str(Version(version or ""))
    except InvalidVersion:
        pass
    try:
        return str(SpecifierSet(version or "")) or None
    except InvalidSpecifier:
        return None


def _installed(source: Path, library: str) -> str:
    try:
        # Without what a build of one machine adds, as `+cpu`.
        return metadata.version(library).partition("+")[0]
    except metadata.PackageNotFoundError as error:
        beside = source.parent / "requirements.txt"
        raise ModelError(
            f"{source} does not record the {library} version that wrote it",
            hint=f"Write its requirements into {beside}: {library}==VERSION.",
        ) from error


def _write_json(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")
