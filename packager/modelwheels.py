"""Wheels that a model brings along and names in its requirements by their path.

MLflow writes such lines for `pip_requirements=["code/mylib-1.0-py3-none-any.whl"]` and in
`add_libraries_to_model`.
"""

import shutil
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from packager.errors import DependencyError
from packager.local.cache import build_once, cache_root
from packager.modelfiles import hash_file, resolve_inside


def as_requirement(line: str, folder: Path) -> str:
    """Return a line that names a wheel in the model folder as PEP 508 has it; others as they are.

    The wheel is copied into the user's cache, under its digest: the model folder may be a
    download that is gone tomorrow, and the lock must say the same then.

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
        name = parse_wheel_filename(wheel.name)[0]
    except InvalidWheelFilename as error:
        raise DependencyError(f"the model requires {line}, which is no wheel: {error}") from error
    place = cache_root() / "wheels" / hash_file(wheel)[:32]

    def build(partial: Path) -> None:
        shutil.copyfile(wheel, partial / wheel.name)

    return f"{name} @ {(build_once(place, build) / wheel.name).as_uri()}"
