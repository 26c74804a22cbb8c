"""The training environment that a model folder describes: Python and requirements."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name

from packager.model.conda_names import conda_requirement
from packager.model.requirement_files import RequirementFiles
from packager.support.malformed import YAML_ERRORS

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)\s*==\s*(?P<version>\d[\w.]*)")


@dataclass(frozen=True)
class RecordedRequirements:
    """What a model folder says of the packages that it was made with."""

    lines: tuple[str, ...] = ()
    """As written, without comments; some are options of pip's."""
    constraints: tuple[str, ...] = ()
    """Of the files that `-c` names."""
    versions: tuple[tuple[str, str], ...] = ()
    """Distributions that `conda.yaml` pins, and their versions."""


def read_requirements(folder: Path, issues: list[str]) -> RecordedRequirements:
    """Return what `requirements.txt` says, else the pip list of `conda.yaml`.

    What `conda.yaml` wants of conda itself comes besides, where no line names it.
    """
    files = RequirementFiles(folder)
    try:
        if (folder / "requirements.txt").is_file():
            files.add_file(folder / "requirements.txt")
        else:
            files.add_lines(tuple(_conda_pip_lines(folder, issues)), folder)
    except UnicodeDecodeError:
        issues.append("requirements.txt, or a file that it names, is not UTF-8 or UTF-16 text")
    by_pip = tuple(_conda_pip_lines(folder, []))
    items = (item for item in _conda_dependencies(folder, issues) if isinstance(item, str))
    by_conda = tuple(filter(None, map(conda_requirement, items)))
    named = {_name_of(line) for line in (*files.lines, *by_pip)}
    files.lines += [line for line in by_conda if _name_of(line) not in named]
    pins = (_PIN.fullmatch(line) for line in (*by_conda, *by_pip))
    return RecordedRequirements(
        tuple(files.lines),
        tuple(files.constraints),
        tuple((canonicalize_name(pin["name"]), pin["version"]) for pin in pins if pin),
    )


def _name_of(line: str) -> str:
    match = _NAME.match(line)
    return canonicalize_name(match[0] if match else line)


_UNQUOTED = {3.1: "3.10"}
"""What an unquoted version was, by the number that YAML reads."""


def read_python_version(folder: Path, pyfunc: dict[str, Any], issues: list[str]) -> str | None:
    """Return the version in `python_env.yaml`, else the flavor's, else `conda.yaml`'s.

    :param pyfunc: the `python_function` section of the MLmodel file.
    """
    for version in _python_versions(folder, pyfunc, issues):
        if version is None:
            continue
        if isinstance(version, float):
            # YAML reads an unquoted 3.10 as the number 3.1, under which no MLflow ever ran.
            version = _UNQUOTED.get(version, str(version))
        if isinstance(version, str) and re.fullmatch(r"\d+\.\d+(\.\S+)?", version):
            return version
        issues.append(f"python version {version!r} is not like '3.11.7'")
        return None
    return None


def _python_versions(folder: Path, pyfunc: dict[str, Any], issues: list[str]) -> Iterator[Any]:
    yield _read_yaml(folder / "python_env.yaml", issues).get("python")
    yield pyfunc.get("python_version")
    for item in _conda_dependencies(folder, issues):
        if isinstance(item, str) and re.match(r"python\s*=", item):
            yield item.partition("=")[2].strip(" =")


def _conda_pip_lines(folder: Path, issues: list[str]) -> Iterator[str]:
    for item in _conda_dependencies(folder, issues):
        if isinstance(item, dict) and isinstance(item.get("pip"), list):
            yield from (str(line).strip() for line in item["pip"])


def _conda_dependencies(folder: Path, issues: list[str]) -> list[Any]:
    dependencies = _read_yaml(folder / "conda.yaml", issues).get("dependencies")
    return dependencies if isinstance(dependencies, list) else []


def _read_yaml(path: Path, issues: list[str]) -> dict[str, Any]:
    """Return the mapping in this file; empty when the file is absent."""
    if not path.is_file():
        return {}
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except YAML_ERRORS:
        issues.append(f"{path.name} is not YAML")
        return {}
    if not isinstance(document, dict):
        issues.append(f"{path.name} is not a mapping")
        return {}
    return document
