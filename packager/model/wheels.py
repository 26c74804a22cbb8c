"""Wheels that a model brings along and names in its requirements by their path.

MLflow writes such lines for `pip_requirements=["code/mylib-1.0-py3-none-any.whl"]` and in
`add_libraries_to_model`.
"""

import re
import shutil
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from packager.errors import DependencyError
from packager.model.files import resolve_inside
from packager.support.cache import build_once, cache_root
from packager.support.digests import hash_file

_FOLDER = "wheels"
_SCHEME = "cached-wheel:"
_CACHED = re.compile(rf"(?:file://)?/[^\s\"']*/{_FOLDER}/([0-9a-f]{{32}})/([^\s\"']+\.whl)")
_NAMED = re.compile(rf"{_SCHEME}([0-9a-f]{{32}})/([^\s\"']+\.whl)")


def as_requirement(line: str, folder: Path) -> str:
    """Return a line that names a wheel in the model folder as PEP 508 has it; others as they are.

    The wheel is copied into the user's cache: the model folder may be a download that is gone
    tomorrow, and the lock must say the same then.

    :raises DependencyError: there is no such wheel in the folder.
    """
    if "@" in line or not line.endswith(".whl"):
        return line
    issues: list[str] = []
    wheel = resolve_inside(folder, line.removeprefix("./"), issues)
    if wheel is None:
        raise DependencyError(
            f"the model requires the wheel {line}: {issues[0]}",
            hint="Log the model again with the wheel in code_paths, or give it with --with.",
        )
    try:
        return cached_wheel(wheel)
    except InvalidWheelFilename as error:
        raise DependencyError(f"the model requires {line}, which is no wheel: {error}") from error


def cached_wheel(wheel: Path) -> str:
    """Copy a wheel into the user's cache, under its digest, and return the line that asks for it.

    Equal wheels have equal lines, and another wheel of the same name has another.

    :raises InvalidWheelFilename: the file is not called as a wheel (PEP 427).
    """
    name = parse_wheel_filename(wheel.name)[0]
    place = cache_root() / _FOLDER / hash_file(wheel)[:32]

    def build(partial: Path) -> None:
        shutil.copyfile(wheel, partial / wheel.name)

    return f"{name} @ {(build_once(place, build) / wheel.name).as_uri()}"


def without_place(text: str) -> str:
    """Return the text with cached wheels named by their digest alone, as any machine has them."""
    return _CACHED.sub(rf"{_SCHEME}\1/\2", text)


def with_place(text: str) -> str:
    """Undo :func:`without_place`: name the wheels where they are in this user's cache."""
    root = (cache_root() / _FOLDER).as_posix()
    return _NAMED.sub(lambda match: f"{root}/{match[1]}/{match[2]}", text)
