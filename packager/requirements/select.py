"""What a model needs to predict, out of what MLflow recorded when it was logged.

MLflow infers requirements from the modules that were imported while the model was
loaded, so they hold what only logging or testing wanted. Each rule that drops one says why.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from packager.model.flavors.table import find_needs, flavor_named
from packager.model.mlmodel import ModelSpec
from packager.model.needs import Needs
from packager.requirements.evidence import NOT_IMPORTED, Evidence, find_evidence
from packager.requirements.lines import IgnoredLine, UnreadableLine, read_lines
from packager.requirements.obsolete import why_obsolete
from packager.requirements.substitutes import (
    MLFLOWS,
    Addition,
    Replacement,
    find_additions,
    find_excluded,
    find_replacements,
    is_pin,
)

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
    is_unnamed: bool = False
    """Dropped because nothing in the model names it: it comes back where it is missed, and where
    another package brings it, in this version if that can be."""


@dataclass(frozen=True)
class Requirements:
    """A model's requirements, sorted out."""

    kept: tuple[str, ...]
    """PEP 508 lines that the model needs, as recorded."""
    dropped: tuple[Drop, ...]
    excluded: tuple[Drop, ...] = ()
    """What a kept requirement brings along and no prediction needs."""
    replaced: tuple[Replacement, ...] = ()
    """Those of the kept and the added ones that are not installed as they are called."""
    added: tuple[Addition, ...] = ()
    constraints: tuple[str, ...] = ()
    """Of the model's own: lines that narrow versions and install nothing."""
    reread: tuple[Replacement, ...] = ()
    """Those of the kept ones that the model wrote otherwise."""
    ignored: tuple[IgnoredLine, ...] = ()
    unreadable: tuple[UnreadableLine, ...] = ()
    """What only the user can say how to install, or that it stays out."""
    parquet_reader: str | None = None
    """The line of a reader that only the handler wants, to be packed; None: none is wanted,
    or the model needs it itself."""

    @property
    def lines(self) -> tuple[str, ...]:
        """Everything that the bundle needs: the model's lines and the handler's."""
        instead = {item.requirement: item.replacement for item in self.replaced}
        return self._with_ours(instead)

    @property
    def preferences(self) -> tuple[str, ...]:
        """Pins of versions to take where nothing speaks against it; they install nothing."""
        lines = [drop.requirement for drop in self.dropped if drop.is_unnamed]
        lines += [item.requirement for item in self.replaced if ">=" in item.replacement]
        pins = (item for item in map(Requirement, lines) if is_pin(item))
        return tuple(f"{item.name}{item.specifier}" for item in pins)

    @property
    def recorded_lines(self) -> tuple[str, ...]:
        """The same without replacements, which may exist for Linux alone."""
        return self._with_ours({})

    def _with_ours(self, instead: Mapping[str, str]) -> tuple[str, ...]:
        models = (*self.kept, *(item.requirement for item in self.added))
        lines = (instead.get(line, line) for line in models)
        reader = () if self.parquet_reader is None else (self.parquet_reader,)
        return tuple(dict.fromkeys((*lines, *HANDLER_REQUIREMENTS, *reader)))


@dataclass(frozen=True)
class _Rule:
    """Drops each requirement whose canonical name matches the glob."""

    glob: str
    reason: str


UNWANTED = "unwanted: --drop"
IN_RUNTIME = "the Lambda runtime ships it"
_TESTS = "only tests need it"
_BUILDS = "only installing needs it"
_TOOLS = (_TESTS, _BUILDS)
"""Of what a model's files may name all the same: setuptools has `pkg_resources`."""
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
    """
    read = read_lines(spec)
    parsed = {line: Requirement(line) for line in read.requirements}
    names = {line: canonicalize_name(parsed[line].name) for line in parsed}
    needs = find_needs(spec.info, frozenset(names.values()))
    odd = {item.line: canonicalize_name(item.name) for item in read.unreadable}
    evidence = find_evidence(
        spec,
        frozenset((*names.values(), *odd.values())),
        frozenset(names[line] for line, requirement in parsed.items() if requirement.url),
    )
    kept: dict[str, Requirement] = {}
    dropped: list[Drop] = []
    for line, requirement in parsed.items():
        drop = _drop(line, requirement, spec, needs, evidence)
        if drop is None:
            kept[line] = requirement
        else:
            dropped.append(drop)
    needless = {line for line, name in odd.items() if _is_needless(name, evidence)}
    unlisted = (*evidence.lacking, *_loaders_library(spec, names.values(), evidence.lacking))
    lacking = {item.requirement: Requirement(item.requirement) for item in unlisted}
    wanted = frozenset(canonicalize_name(item.name) for item in (*kept.values(), *lacking.values()))
    replaced = find_replacements(kept | lacking, architecture)
    return Requirements(
        kept=tuple(kept),
        dropped=tuple(dropped),
        excluded=tuple(
            Drop(name, reason) for name, reason in find_excluded(wanted, needs, replaced)
        ),
        replaced=replaced,
        added=(
            *unlisted,
            *find_additions(
                wanted,
                spec.info.engine.name,
                spec.info.mlflow_version if _keeps_mlflow(spec) else None,
            ),
            *_file_reader(spec, wanted),
        ),
        constraints=tuple(read.constraints),
        reread=tuple(item for item in read.reread if item.replacement in kept),
        ignored=(*read.ignored, *(IgnoredLine(line, NOT_IMPORTED) for line in sorted(needless))),
        unreadable=tuple(item for item in read.unreadable if item.line not in needless),
        parquet_reader=PARQUET_READER if with_parquet and PARQUET_READER not in wanted else None,
    )


def _loaders_library(
    spec: ModelSpec, recorded: Collection[str], found: Collection[Addition]
) -> tuple[Addition, ...]:
    """Return what the flavor's loader imports and no requirement names."""
    if spec.info.engine.name != "exact":
        return ()
    there = {*recorded, *(canonicalize_name(Requirement(item.requirement).name) for item in found)}
    loaded = [*(flavor_named(spec.info.flavor).imports or ())]
    if str(spec.info.options.get("model_class")).startswith("xgboost.sklearn."):
        loaded.append("scikit-learn")  # has the bases of these classes
    names = [name for name in loaded if name not in there]
    # What stands in for it may be listed under its own name.
    names = [name for name in names if f"{name}-cpu" not in there]
    versions = dict(spec.logged_versions)
    return tuple(
        Addition(
            f"{name}=={versions[name]}" if name in versions else name,
            f"{spec.info.flavor} models are loaded with it",
        )
        for name in names
    )


def _file_reader(spec: ModelSpec, wanted: Collection[str]) -> tuple[Addition, ...]:
    """Return cloudpickle where the model's file is read with it and only MLflow had required it."""
    info = spec.info
    is_read = info.engine.name == "exact" and info.engine.data_path is None
    if not is_read or info.serialization_format != "cloudpickle":
        return ()
    if "cloudpickle" in wanted or _keeps_mlflow(spec):
        return ()
    version = info.options.get("cloudpickle")
    line = f"cloudpickle=={version}" if version else "cloudpickle"
    return (Addition(line, "the model's file is read with it"),)


def _keeps_mlflow(spec: ModelSpec) -> bool:
    return flavor_named(spec.info.flavor).needs_mlflow(spec.info)


def _drop(
    line: str, requirement: Requirement, spec: ModelSpec, needs: Needs | None, evidence: Evidence
) -> Drop | None:
    name = canonicalize_name(requirement.name)
    if name in MLFLOWS and _keeps_mlflow(spec):
        return None
    for rule in DROP_RULES:
        if fnmatch(name, rule.glob) and not (rule.reason in _TOOLS and name in evidence.needed):
            return Drop(line, rule.reason)
    if obsolete := why_obsolete(name):
        return Drop(line, obsolete)
    reasons = (reason for glob, reason in _not_needed(spec) if fnmatch(name, glob))
    if evidence.is_complete:
        if name in evidence.needed:
            return None
        return Drop(line, next(reasons, NOT_IMPORTED), is_unnamed=True)
    # Modules of the model's own may import anything.
    if spec.info.code_path is None:
        for reason in reasons:
            return Drop(line, reason, is_guess=spec.info.logged_executes_code)
    if needs is None or name in needs.distributions:
        return None
    return Drop(line, needs.reason)


def _is_needless(name: str, evidence: Evidence) -> bool:
    return evidence.is_complete and name not in evidence.needed


def _not_needed(spec: ModelSpec) -> tuple[tuple[str, str], ...]:
    return flavor_named(spec.info.flavor).not_needed
