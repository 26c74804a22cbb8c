"""Packages that stand in for others, come along with others, or must not come along: as data.

Sizes and dependencies were read from the wheels: xgboost 2.1 to 3.4, lightgbm 3.3 to 4.7 and
onnxruntime 1.16 to 1.31.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from handler.manifest import EngineName
from packager.model.needs import Needs

MLFLOWS = frozenset({"mlflow", "mlflow-skinny"})
"""The distributions of MLflow itself."""

KEPT_AS_STAND_IN = frozenset({"mlflow"})
"""What even `--keep` brings as its stand-in: with the libraries of its server it has 450 MB."""


@dataclass(frozen=True)
class Replacement:
    """A requirement that another one stands in for, with the same modules and versions."""

    requirement: str
    replacement: str
    reason: str


@dataclass(frozen=True)
class Addition:
    """A requirement that the model did not record and needs on Lambda."""

    requirement: str
    reason: str


@dataclass(frozen=True)
class _StandIn:
    name: str
    instead_of: str
    since: Version
    """Before this version there was none."""
    reason: str
    architecture: str | None = None
    """The only one on which it does; None: on each."""


_NO_CUDA = "the same without CUDA, of which Lambda has none"
_NO_WINDOWS = "the same without windows, which take libraries that Lambda lacks (libGL)"
_LINUX = "the same, for Linux"
_STAND_INS = (
    _StandIn(
        "xgboost-cpu",
        "xgboost",
        Version("2.1.1"),
        "the same without CUDA, of which Lambda has none and xgboost about 490 MB",
    ),
    _StandIn("onnxruntime", "onnxruntime-gpu", Version("1.4"), "Lambda has no GPU"),
    # Of tensorflow there are wheels of 620 MB and of 260. On arm64 it is without CUDA anyway.
    _StandIn("tensorflow-cpu", "tensorflow", Version("2.1"), _NO_CUDA, "x86_64"),
    _StandIn("tensorflow-cpu", "tensorflow-macos", Version("2.5"), _LINUX, "x86_64"),
    _StandIn("tensorflow-cpu", "tensorflow-intel", Version("2.10"), _LINUX, "x86_64"),
    _StandIn("tensorflow", "tensorflow-cpu", Version("2.10"), _LINUX, "arm64"),
    _StandIn("tensorflow", "tensorflow-macos", Version("2.10"), _LINUX, "arm64"),
    _StandIn("tensorflow", "tensorflow-intel", Version("2.10"), _LINUX, "arm64"),
    _StandIn("opencv-python-headless", "opencv-python", Version("3.4.3.18"), _NO_WINDOWS),
    _StandIn(
        "opencv-contrib-python-headless",
        "opencv-contrib-python",
        Version("3.4.3.18"),
        _NO_WINDOWS,
    ),
    # Kept for the models that need it alone.
    _StandIn("mlflow-skinny", "mlflow", Version("1.13"), "the same without its server"),
)

# What mlflow-skinny requires and no prediction uses. Tried with 3.17.2: neither `import
# mlflow.pyfunc` nor a model's load and prediction imports them.
LEFT_OUT_OF_MLFLOW = (
    ("databricks-sdk", "MLflow imports it on Databricks alone"),
    ("gitpython", "MLflow imports it for runs and projects alone"),
    ("python-dotenv", "only MLflow's command line reads .env files"),
    ("uvicorn", "only MLflow's servers run in it"),
)

# Wheels that carry libgomp.so.1, of which packages/shared_libraries.py makes lightgbm a copy.
_OPENMP_CARRIERS = frozenset({"scikit-learn", "xgboost", "xgboost-cpu"})

_NCCL = ("nvidia-nccl-cu12", "nvidia-nccl-cu13")
# Packages that may use NCCL themselves.
_GPU_USERS = frozenset({"torch", "tensorflow", "jax", "cupy-cuda12x", "cupy-cuda13x"})


_FASTAPIS_TYPING = Version("4.8")
_NEWER = "FastAPI needs 4.8, and newer versions have all that older ones have"


def find_replacements(
    requirements: Mapping[str, Requirement], architecture: str | None
) -> tuple[Replacement, ...]:
    """Return what stands in for those of the requirements that Lambda cannot take.

    :param requirements: by the line that they were read from.
    :param architecture: Lambda's identifier; None: only what stands in on each of them.
    """
    found = []
    for line, requirement in requirements.items():
        for stand_in in _STAND_INS:
            if stand_in.architecture in (None, architecture) and _stands_in(stand_in, requirement):
                renamed = copy(requirement)
                renamed.name = stand_in.name
                renamed.extras = requirement.extras - {"and-cuda"}
                found.append(Replacement(line, str(renamed), stand_in.reason))
        if _is_too_old_for_fastapi(requirement):
            newer = line.replace("==", ">=", 1)
            found.append(Replacement(line, newer, _NEWER))
    return tuple(found)


def is_pin(requirement: Requirement) -> bool:
    """Tell whether the requirement is for one version."""
    return [clause.operator for clause in requirement.specifier] == ["=="]


def _is_too_old_for_fastapi(requirement: Requirement) -> bool:
    if canonicalize_name(requirement.name) != "typing-extensions" or not is_pin(requirement):
        return False
    return not requirement.specifier.contains(_FASTAPIS_TYPING) and all(
        bound < _FASTAPIS_TYPING for bound in _upper_bounds(requirement.specifier)
    )


_ENGINES = {
    "treelite": Addition("treelite>=4", "it computes the compiled model"),
    "onnx": Addition("onnxruntime", "it computes the compiled model"),
}


def find_additions(
    names: Collection[str], engine: EngineName, mlflow: str | None = None
) -> tuple[Addition, ...]:
    """Return what these distributions and the engine need on Lambda and nobody requires.

    :param names: canonical.
    :param mlflow: version of the MLflow that the model needs; None: it needs none.
    """
    if engine in _ENGINES:
        return (_ENGINES[engine],)
    if mlflow is not None and MLFLOWS.isdisjoint(names):
        return (Addition(f"mlflow-skinny=={mlflow}", "MLflow itself loads the model"),)
    if "lightgbm" in names and _OPENMP_CARRIERS.isdisjoint(names):
        return (Addition("scikit-learn", "lightgbm takes its OpenMP library from there"),)
    return ()


def find_excluded(
    names: Collection[str], needs: Needs | None, replaced: Sequence[Replacement]
) -> Iterator[tuple[str, str]]:
    """Yield name and reason of what must not come along with these distributions.

    :param names: canonical.
    """
    recorded = {canonicalize_name(Requirement(item.requirement).name): item for item in replaced}
    for name, item in recorded.items():
        # Another package may ask for it, and the two have the same files.
        if canonicalize_name(Requirement(item.replacement).name) != name:
            yield name, f"{item.replacement} stands in for it"
    if "xgboost" in names and "xgboost" not in recorded and _GPU_USERS.isdisjoint(names):
        for nccl in _NCCL:
            yield nccl, "only XGBoost on several GPUs needs it"
    if not MLFLOWS.isdisjoint(names):
        yield from (item for item in LEFT_OUT_OF_MLFLOW if item[0] not in names)
    # Where the needs are known, nothing else can want these.
    if needs is not None:
        yield from (item for item in needs.unused if item[0] not in names)


def _stands_in(stand_in: _StandIn, requirement: Requirement) -> bool:
    if canonicalize_name(requirement.name) != stand_in.instead_of or requirement.url:
        return False
    specifier = requirement.specifier
    if specifier.contains(stand_in.since, prereleases=True):
        return True
    try:
        return all(bound > stand_in.since for bound in _upper_bounds(specifier))
    except InvalidVersion:
        return False


def _upper_bounds(specifier: SpecifierSet) -> Iterator[Version]:
    for clause in specifier:
        if clause.operator in ("==", "===", "~=", "<", "<="):
            yield Version(clause.version.removesuffix(".*"))
