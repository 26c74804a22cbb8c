"""What a model needs to predict, out of what MLflow recorded when it was logged.

MLflow infers requirements from the modules that were imported while the model was
loaded, so they hold what only logging or testing wanted. Each rule that drops one says why.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatch

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from packager.errors import DependencyError
from packager.model.flavors.table import find_needs, flavor_named
from packager.model.mlmodel import ModelSpec
from packager.model.needs import Needs
from packager.model.wheels import as_requirement
from packager.requirements.substitutes import (
    MLFLOWS,
    Addition,
    Replacement,
    find_additions,
    find_excluded,
    find_replacements,
)
from packager.support.redaction import LOGIN_HINT, has_login, without_login

HANDLER_REQUIREMENTS = ("fastapi>=0.115", "mangum>=0.20", "numpy", "orjson>=3.10", "pandas")
"""What `handler/` itself imports; pandas and numpy in the model's versions where it pins them."""

RUNTIME_PACKAGES = ("boto3",)
"""What the Lambda runtime ships and the handler uses: resolved with, then left out of the zip."""

PARQUET_READER = "pyarrow"
"""What MLflow reads parquet with; `handler/requests/parquet.py` says why no other does."""


@dataclass(frozen=True)
class Drop:
    """A requirement that stays out of the bundle."""

    requirement: str
    reason: str
    is_guess: bool = False
    """A pickle might need it all the same: the check compares with an environment that has it."""


@dataclass(frozen=True)
class Requirements:
    """A model's requirements, sorted out."""

    kept: tuple[str, ...]
    """PEP 508 lines that the model needs, as recorded."""
    dropped: tuple[Drop, ...]
    excluded: tuple[Drop, ...] = ()
    """What a kept requirement brings along and no prediction needs."""
    replaced: tuple[Replacement, ...] = ()
    """Those of the kept ones that are not installed as recorded."""
    added: tuple[Addition, ...] = ()
    parquet_reader: str | None = None
    """The line of a reader that only the handler wants, to be packed; None: none is wanted,
    or the model needs it itself."""

    @property
    def lines(self) -> tuple[str, ...]:
        """Everything that the bundle needs: the model's lines and the handler's."""
        instead = {item.requirement: item.replacement for item in self.replaced}
        return self._with_ours(instead.get(line, line) for line in self.kept)

    @property
    def recorded_lines(self) -> tuple[str, ...]:
        """The same without replacements, which may exist for Linux alone."""
        return self._with_ours(self.kept)

    def _with_ours(self, lines: Iterable[str]) -> tuple[str, ...]:
        added = (item.requirement for item in self.added)
        reader = () if self.parquet_reader is None else (self.parquet_reader,)
        return tuple(dict.fromkeys((*lines, *added, *HANDLER_REQUIREMENTS, *reader)))


@dataclass(frozen=True)
class _Rule:
    """Drops each requirement whose canonical name matches the glob."""

    glob: str
    reason: str


_REMOTE = ("https://", "http://", "git+")
IN_RUNTIME = "the Lambda runtime ships it"
_TESTS = "only tests need it"
_BUILDS = "only installing needs it"
DROP_RULES = (
    _Rule("mlflow*", "the handler speaks MLflow's protocol without it"),
    _Rule("boto3", IN_RUNTIME),
    _Rule("botocore", IN_RUNTIME),
    _Rule("s3transfer", IN_RUNTIME),
    _Rule("awslambdaric", IN_RUNTIME),
    _Rule("pytest*", _TESTS),
    _Rule("hypothesis", _TESTS),
    _Rule("pip", _BUILDS),
    _Rule("setuptools", _BUILDS),
    _Rule("wheel", _BUILDS),
)


def inference_requirements(
    spec: ModelSpec, *, architecture: str = "x86_64", with_parquet: bool = False
) -> Requirements:
    """Sort a model's recorded requirements into kept and dropped.

    :param architecture: Lambda's identifier: some packages are called otherwise on the other.
    :param with_parquet: the bundle shall read parquet. The reader's version is the newest for
        the target: one that a model of tables names was MLflow's, and need not load there.
    :raises DependencyError: a line is no requirement (PEP 508) and no wheel of the model.
    """
    lines = [as_requirement(line, spec.folder) for line in spec.requirements]
    parsed = {line: _parse(line, spec) for line in lines}
    names = {line: canonicalize_name(parsed[line].name) for line in parsed}
    needs = find_needs(spec.info, frozenset(names.values()))
    kept: dict[str, Requirement] = {}
    dropped: list[Drop] = []
    for line, requirement in parsed.items():
        drop = _drop(line, names[line], spec, needs)
        if drop is None:
            kept[line] = requirement
        else:
            dropped.append(drop)
    wanted = frozenset(names[line] for line in kept)
    replaced = find_replacements(kept, architecture)
    return Requirements(
        kept=tuple(kept),
        dropped=tuple(dropped),
        excluded=tuple(
            Drop(name, reason) for name, reason in find_excluded(wanted, needs, replaced)
        ),
        replaced=replaced,
        added=(
            *find_additions(
                wanted,
                spec.info.engine.name,
                spec.info.mlflow_version if _keeps_mlflow(spec) else None,
            ),
            *_file_reader(spec, wanted),
        ),
        parquet_reader=PARQUET_READER if with_parquet and PARQUET_READER not in wanted else None,
    )


def _parse(line: str, spec: ModelSpec) -> Requirement:
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        raise DependencyError(
            f"cannot use the requirement {without_login(line)!r} of {spec.folder}",
            hint="Write it as `name==version`; indexes and other options belong into"
            " uv's configuration or its UV_* variables.",
        ) from error
    if requirement.url and has_login(requirement.url):
        raise DependencyError(
            f"the requirement {requirement.name} of {spec.folder} has a login in its URL, which"
            " would be in the lock for all to read",
            hint=LOGIN_HINT,
        )
    if requirement.url and not requirement.url.startswith(_REMOTE) and line in spec.requirements:
        raise DependencyError(
            f"the requirement {line} of {spec.folder} names a place on one machine",
            hint="Log the model with the wheel in code_paths, or give it with --with.",
        )
    return requirement


def _file_reader(spec: ModelSpec, wanted: Collection[str]) -> tuple[Addition, ...]:
    """Return cloudpickle where the model's file names it and only MLflow had required it."""
    info = spec.info
    if "cloudpickle" not in info.options or info.serialization_format != "cloudpickle":
        return ()
    if "cloudpickle" in wanted or _keeps_mlflow(spec):
        return ()
    version = info.options["cloudpickle"]
    line = f"cloudpickle=={version}" if version else "cloudpickle"
    return (Addition(line, "the model's file is read with it"),)


def _keeps_mlflow(spec: ModelSpec) -> bool:
    return flavor_named(spec.info.flavor).needs_mlflow(spec.info)


def _drop(line: str, name: str, spec: ModelSpec, needs: Needs | None) -> Drop | None:
    if name in MLFLOWS and _keeps_mlflow(spec):
        return None
    for rule in DROP_RULES:
        if fnmatch(name, rule.glob):
            return Drop(line, rule.reason)
    # Modules of the model's own may import anything.
    if spec.info.code_path is None:
        for glob, reason in flavor_named(spec.info.flavor).not_needed:
            if fnmatch(name, glob):
                return Drop(line, reason, is_guess=spec.info.logged_executes_code)
    if needs is None or name in needs.distributions:
        return None
    return Drop(line, needs.reason)
