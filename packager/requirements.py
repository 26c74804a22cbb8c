"""What a model needs to predict, out of what MLflow recorded when it was logged.

MLflow infers requirements from the modules that were imported while the model was
loaded, so they hold what only logging or testing wanted. Each rule that drops one says why.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from packager.errors import DependencyError
from packager.mlmodel import ModelSpec

HANDLER_REQUIREMENTS = ("fastapi>=0.115", "mangum>=0.20", "numpy", "orjson>=3.10", "pandas")
"""What `handler/` itself imports; pandas and numpy in the model's versions where it pins them."""

RUNTIME_PACKAGES = ("boto3",)
"""What the Lambda runtime ships and the handler uses: resolved with, then left out of the zip."""

PARQUET_READER = "pyarrow"
"""What MLflow reads parquet with; `handler/parquet.py` says why no other does."""

# Distribution names that differ from the module that a skops trusted type starts with.
_DISTRIBUTION_OF_MODULE = {
    "sklearn": "scikit-learn",
    "imblearn": "imbalanced-learn",
    "dateutil": "python-dateutil",
}
_SKOPS_NEEDS = frozenset({"numpy", "scipy", "scikit-learn", "skops", "pandas", "joblib"})


@dataclass(frozen=True)
class Drop:
    """A requirement that stays out of the bundle."""

    requirement: str
    reason: str


@dataclass(frozen=True)
class Requirements:
    """A model's requirements, sorted out."""

    kept: tuple[str, ...]
    """PEP 508 lines that the model needs."""
    dropped: tuple[Drop, ...]
    excluded: tuple[Drop, ...] = ()
    """What a kept requirement brings along and no prediction needs."""
    parquet_reader: str | None = None
    """The line of a reader that only the handler wants, to be packed; None: none is wanted,
    or the model needs it itself."""

    @property
    def lines(self) -> tuple[str, ...]:
        """Everything that the bundle needs: the model's lines and the handler's."""
        reader = () if self.parquet_reader is None else (self.parquet_reader,)
        return (*self.kept, *HANDLER_REQUIREMENTS, *reader)


@dataclass(frozen=True)
class _Rule:
    """Drops each requirement whose canonical name matches the glob and for which it applies."""

    glob: str
    reason: str
    applies: Callable[[ModelSpec], bool] = lambda spec: True


def _is_sklearn(spec: ModelSpec) -> bool:
    return spec.info.flavor == "sklearn"


_IN_RUNTIME = "the Lambda runtime ships it"
_TESTS = "only tests need it"
_BUILDS = "only installing needs it"
DROP_RULES = (
    _Rule("mlflow*", "the handler speaks MLflow's protocol without it"),
    _Rule("boto3", _IN_RUNTIME),
    _Rule("botocore", _IN_RUNTIME),
    _Rule("s3transfer", _IN_RUNTIME),
    _Rule("awslambdaric", _IN_RUNTIME),
    _Rule("pytest*", _TESTS),
    _Rule("hypothesis", _TESTS),
    _Rule("pip", _BUILDS),
    _Rule("setuptools", _BUILDS),
    _Rule("wheel", _BUILDS),
    _Rule("pyarrow", "MLflow wanted it, scikit-learn does not", _is_sklearn),
)


def inference_requirements(spec: ModelSpec, *, with_parquet: bool = False) -> Requirements:
    """Sort a model's recorded requirements into kept and dropped.

    :param with_parquet: the bundle shall read parquet. The reader's version is the newest for
        the target: one that a scikit-learn model names was MLflow's, and need not load there.
    :raises DependencyError: a line is no requirement (PEP 508).
    """
    kept: list[str] = []
    dropped: list[Drop] = []
    reader = PARQUET_READER if with_parquet else None
    for line in spec.requirements:
        name = canonicalize_name(_parse(line, spec).name)
        reason = _reason_to_drop(name, spec)
        if reason is None:
            kept.append(line)
            if name == PARQUET_READER:
                reader = None
        else:
            dropped.append(Drop(line, reason))
    return Requirements(tuple(kept), tuple(dropped), _excluded(kept, spec), reader)


def _excluded(kept: list[str], spec: ModelSpec) -> tuple[Drop, ...]:
    names = {canonicalize_name(_parse(line, spec).name) for line in kept}
    # Only where nothing else can want it: a pickle may hold anything.
    if _skops_distributions(spec) is None or not names <= _SKOPS_NEEDS:
        return ()
    return (Drop("prettytable", "skops draws model cards with it"),)


_CREDENTIALS = re.compile(r"://[^/@\s]+@")


def _parse(line: str, spec: ModelSpec) -> Requirement:
    try:
        return Requirement(line)
    except InvalidRequirement as error:
        raise DependencyError(
            f"cannot use the requirement {_CREDENTIALS.sub('://***@', line)!r} of {spec.folder}",
            hint="Write it as `name==version`; indexes and other options belong into"
            " uv's configuration or its UV_* variables.",
        ) from error


def _reason_to_drop(name: str, spec: ModelSpec) -> str | None:
    for rule in DROP_RULES:
        if fnmatch(name, rule.glob) and rule.applies(spec):
            return rule.reason
    known = _skops_distributions(spec)
    if known is not None and name not in known:
        return "a skops file holds scikit-learn, numpy and scipy objects and trusted types only"
    return None


def _skops_distributions(spec: ModelSpec) -> frozenset[str] | None:
    """Names of all distributions that a skops model can need.

    None where that cannot be told: another format, code of the model's own, or a trusted
    type from a module whose distribution is called otherwise.
    """
    if spec.info.serialization_format != "skops" or spec.info.code_path is not None:
        return None
    modules = {trusted.split(".")[0] for trusted in spec.info.trusted_types} - {"builtins"}
    names = {canonicalize_name(_DISTRIBUTION_OF_MODULE.get(module, module)) for module in modules}
    recorded = {canonicalize_name(_parse(line, spec).name) for line in spec.requirements}
    if not names <= recorded | _SKOPS_NEEDS:
        return None
    return _SKOPS_NEEDS | names
