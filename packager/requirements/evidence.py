"""What a model's own files say of its requirements: which are needed, and which are lacking.

What nothing names is not needed. Where that cannot be told, as where code computes what it
imports, every requirement is.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from packager.model.distributions_of_modules import (
    distribution_of,
    is_like,
    modules_like,
    modules_of,
    words_for,
)
from packager.model.flavors.table import flavor_named
from packager.model.mlmodel import ModelSpec
from packager.model.named_modules import NamedModules, read_named_modules
from packager.requirements.substitutes import Addition

NOT_IMPORTED = "neither loading nor predicting imports it"

_COMPANIONS: dict[str, frozenset[str]] = {
    # What pickles of theirs need though they do not name it.
    "scikit-learn": frozenset({"scipy", "joblib", "threadpoolctl"}),
    "imbalanced-learn": frozenset({"scikit-learn", "scipy"}),
    "lightgbm": frozenset({"scikit-learn", "scipy"}),
    "xgboost": frozenset({"scikit-learn", "scipy"}),
    "statsmodels": frozenset({"scipy", "patsy", "formulaic"}),
    "pmdarima": frozenset({"scikit-learn", "scipy", "statsmodels"}),
    # Where they are there, pandas computes with them, and means and variances differ in the last
    # bit. Together they have one megabyte. numba it only uses when it is told to, and pyarrow
    # only stores text: both are for who names them.
    "pandas": frozenset({"numexpr", "bottleneck"}),
}
"""What else is needed of the requirements, by the distribution that is."""

_BROUGHT_BY: dict[str, frozenset[str]] = {
    "joblib": frozenset({"scikit-learn"}),
    "patsy": frozenset({"statsmodels"}),
    "scipy": frozenset({"scikit-learn", "statsmodels", "xgboost", "lightgbm"}),
    "scikit-learn": frozenset({"imbalanced-learn", "category-encoders", "pmdarima"}),
    "statsmodels": frozenset({"category-encoders", "pmdarima"}),
}
"""Distributions that a pickle may name and another one requires."""


@dataclass(frozen=True)
class Evidence:
    """What a model's files say of its requirements."""

    needed: frozenset[str] = frozenset()
    """Canonical names of those that are needed, as far as can be told."""
    lacking: tuple[Addition, ...] = ()
    """What pickled objects name and no requirement brings."""
    is_complete: bool = False
    """Whether the others are not needed."""


def find_evidence(spec: ModelSpec, recorded: Collection[str], bound: Collection[str]) -> Evidence:
    """Return what the model's pickles and sources name.

    :param recorded: canonical names of the requirements.
    :param bound: those of them that are needed whatever the files say.
    """
    info = spec.info
    loader = flavor_named(info.flavor).imports
    if loader is None or info.engine.name != "exact" or not info.logged_executes_code:
        return Evidence()
    if flavor_named(info.flavor).needs_mlflow(info):
        return Evidence()
    candidates = {name: modules_of(name) or modules_like(name) for name in recorded}
    words = {name: {*modules, *words_for(name)} for name, modules in candidates.items()}
    named = read_named_modules(spec, frozenset().union(*words.values()))
    there = (distribution_of(module) for module in named.modules)
    needed = {*loader, *bound, *_readers(spec), *filter(None, there)}
    needed |= {name for name, modules in candidates.items() if modules & named.modules.keys()}
    needed |= {name for name in candidates if words[name] & named.mentioned}
    if _unexplained(named, recorded):
        needed |= {name for name in recorded if modules_of(name) is None}
    return Evidence(
        needed=(_with_companions(needed) | _OURS) & frozenset(recorded),
        lacking=tuple(_lacking(spec, named, recorded)),
        is_complete=not named.doubts,
    )


def _with_companions(names: Collection[str]) -> frozenset[str]:
    found, waiting = set(), [*names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _COMPANIONS.get(name, ())
    return frozenset(found)


def _readers(spec: ModelSpec) -> Iterator[str]:
    """Yield what reads the model's file."""
    if spec.info.engine.data_path is None and spec.info.serialization_format in (
        "cloudpickle",
        "joblib",
    ):
        yield spec.info.serialization_format


def _unexplained(named: NamedModules, recorded: Collection[str]) -> list[str]:
    """Return the modules of which no distribution is known: one with another name has them."""
    return [
        module
        for module in named.modules
        if distribution_of(module) is None and not any(is_like(module, name) for name in recorded)
    ]


def _lacking(spec: ModelSpec, named: NamedModules, recorded: Collection[str]) -> Iterator[Addition]:
    versions = dict(spec.logged_versions)
    lacking = {
        distribution: item
        for module, item in named.modules.items()
        if item.is_pickled
        and (distribution := distribution_of(module)) is not None
        and not any(is_like(module, name) for name in recorded)
    }
    there = {*recorded, *lacking}
    for name, item in sorted(lacking.items()):
        if name in _OURS or not there.isdisjoint(_BROUGHT_BY.get(name, ())):
            continue
        line = f"{name}=={versions[name]}" if name in versions else name
        yield Addition(line, item.by)


_OURS = frozenset({"numpy", "pandas"})
"""What the handler brings, in any case."""
