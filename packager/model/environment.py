"""The training environment that a model folder describes: Python and requirements."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from packager.support.malformed import YAML_ERRORS

_CONTINUED_LINE = re.compile(r"\\\r?\n")
_COMMENT = re.compile(r"(^|\s)#.*$")


def read_requirements(folder: Path, issues: list[str]) -> tuple[str, ...]:
    """Return the requirement lines of `requirements.txt`, else of `conda.yaml`'s pip list."""
    path = folder / "requirements.txt"
    if not path.is_file():
        return tuple(_conda_pip_lines(folder, issues))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        issues.append("requirements.txt is not UTF-8 text")
        return ()
    return parse_requirement_lines(text)


def parse_requirement_lines(text: str) -> tuple[str, ...]:
    """Return the lines without comments and blanks; continued lines are joined."""
    joined = _CONTINUED_LINE.sub(" ", text)
    lines = (_COMMENT.sub("", line).strip() for line in joined.splitlines())
    return tuple(line for line in lines if line)


def read_python_version(folder: Path, pyfunc: dict[str, Any], issues: list[str]) -> str | None:
    """Return the version in `python_env.yaml`, else the flavor's, else `conda.yaml`'s.

    :param pyfunc: the `python_function` section of the MLmodel file.
    """
    for version in _python_versions(folder, pyfunc, issues):
        if version is None:
            continue
        # YAML reads an unquoted 3.10 as the number 3.1: only text can be trusted.
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
