"""The environment of a model whose Python Lambda no longer has: its own interpreter and pins."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from packager.aws.runtimes import RUNTIMES
from packager.errors import ToolFailed
from packager.local.envs import ensure_env
from packager.model.mlmodel import ModelSpec
from packager.model.needs import SKLEARN
from packager.model.pickle_bytecode import holds_bytecode
from packager.progress import Progress
from packager.requirements.logged_with import logged_with
from packager.requirements.overrides import Overrides, apply_overrides
from packager.requirements.select import inference_requirements
from packager.support.interpreters import find_python
from packager.support.uv import Indexes

FLAVORS = frozenset({"sklearn", "xgboost", "lightgbm"})
"""Those that `oldpython/worker.py` loads."""
_OLDEST = RUNTIMES[0].python_version
_FIRST = 7
"""Of the Pythons that are tried in another's place, the oldest: 3.7."""
_USUAL = ("numpy<2", "pandas<2", "setuptools<60")
"""What was in every environment of that age, besides what a model names: rows are handed over as
pandas' tables, and XGBoost imports setuptools' pkg_resources."""
_NUMPY_2 = b"numpy._core"
_LIBRARIES = SKLEARN | {"cloudpickle", "lightgbm", "skops", "threadpoolctl", "xgboost"}
"""What the models are made of that can be compiled."""


@dataclass(frozen=True)
class OldPython:
    """An interpreter with a model's libraries, older than any of Lambda's."""

    python: Path
    """Of an environment of its own."""
    minor: str
    """As `3.8`."""


def find_old_python(
    spec: ModelSpec,
    overrides: Overrides,
    *,
    constraints: tuple[str, ...],
    indexes: Indexes,
    progress: Progress,
) -> OldPython | None:
    """Return the environment in which a model of an old Python can be loaded as it was logged.

    None where the model is of a Python that Lambda has, or of a flavor that is not asked there,
    where this machine has no such interpreter, or no wheels exist for it.
    """
    if spec.info.flavor not in FLAVORS or not is_old(spec.python_version):
        return None
    requirements = apply_overrides(replace(overrides, drop=()), inference_requirements(spec))
    guesses = [drop.requirement for drop in requirements.dropped if drop.is_guess]
    added = [item.requirement for item in requirements.added]
    # A pin of something that has no wheel hinders only models that use it.
    every = (*requirements.kept, *added, *guesses)
    few = tuple(line for line in every if _name(line) in _LIBRARIES)
    named = {_name(line) for line in every}
    usual = [line for line in _USUAL if _name(line) not in named]
    if _is_of_numpy_2(spec.folder / spec.info.data_path):
        usual = [line for line in usual if _name(line) == "setuptools"]
    for minor in _minors(spec):
        for lines in dict.fromkeys((every, few)):
            try:
                python = ensure_env(
                    "old-model",
                    minor,
                    (*lines, *usual, "numpy", "pandas"),
                    constraints=constraints,
                    indexes=indexes,
                    there=logged_with(spec),
                    progress=progress,
                )
            except ToolFailed as error:
                progress.detail(f"no environment of Python {minor} for the model: {error}")
            else:
                return OldPython(python, minor)
    return None


def is_old(python_version: str | None) -> bool:
    """Tell whether Lambda has no runtime of this Python any more."""
    return python_version is not None and _pair(python_version) < _OLDEST


def _minors(spec: ModelSpec) -> Iterator[str]:
    """Yield the model's own Python, then those next to it that can load it; of what is here."""
    own = spec.python_minor
    assert own is not None
    if find_python(own):
        yield own
    data = spec.folder / spec.info.data_path
    if data.is_file() and holds_bytecode(data):
        return
    # Its libraries may be older than the first wheels for its Python.
    minor = _pair(own)[1]
    for other in sorted(range(_FIRST, _OLDEST[1]), key=lambda other: abs(other - minor)):
        if other != minor and find_python(f"3.{other}"):
            yield f"3.{other}"


def _is_of_numpy_2(path: Path) -> bool:
    return path.is_file() and _NUMPY_2 in path.read_bytes()


def _pair(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def _name(line: str) -> str | None:
    try:
        return canonicalize_name(Requirement(line).name)
    except InvalidRequirement:
        return None
