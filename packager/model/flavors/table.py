"""The flavors that can be served: the table, and what is looked up in it."""

from collections.abc import Collection
from dataclasses import replace
from functools import cache
from importlib import metadata

from handler.manifest import ModelInfo
from packager.errors import ConfigError, PackagerError
from packager.model.flavors import (
    catboost,
    fallback,
    keras,
    lightgbm,
    onnx,
    pmdarima,
    prophet,
    python_function,
    pytorch,
    sklearn,
    spacy,
    statsmodels,
    tensorflow,
    xgboost,
)
from packager.model.flavors.flavor import Flavor
from packager.model.flavors.sections import Sections
from packager.model.needs import COMPILED, TAKEN_APART, Needs

OWN_FLAVORS = (
    sklearn.FLAVOR,
    xgboost.FLAVOR,
    lightgbm.FLAVOR,
    onnx.FLAVOR,
    catboost.FLAVOR,
    statsmodels.FLAVOR,
    prophet.FLAVOR,
    spacy.FLAVOR,
    pmdarima.FLAVOR,
    pytorch.FLAVOR,
    tensorflow.FLAVOR,
    keras.FLAVOR,
    python_function.FLAVOR,
    fallback.FLAVOR,
)
ENTRY_POINTS = "packager.flavors"
"""Group of the entry points by which other packages add rows; each names a `Flavor`."""


@cache
def known_flavors() -> tuple[Flavor, ...]:
    """Return the table: what other packages add first, for they may know better.

    :raises ConfigError: an entry point cannot be loaded, or names something else.
    """
    return (*map(_load, metadata.entry_points(group=ENTRY_POINTS)), *OWN_FLAVORS)


def find_flavor(loader_module: str) -> Flavor:
    """Return the flavor whose models name this loader, as `mlflow.sklearn`; there always is one."""
    rows = known_flavors()
    named = (row for row in rows if row.loader_module == loader_module)
    others = (row for row in rows if row.takes_loader(loader_module))
    return next(named, None) or next(others)


def flavor_named(name: str) -> Flavor:
    """Return the flavor of this name; one that has no row is for MLflow itself."""
    rows = (row for row in known_flavors() if row.name == name)
    return next(rows, fallback.FLAVOR)


def read_flavor(flavor: Flavor, sections: Sections) -> ModelInfo:
    """Return what the sections of `python_function` and of the flavor say of the model.

    What is wrong is added to the sections' issues.

    :raises ConfigError: another package's flavor does not do what a row has to.
    """
    info = flavor.read(sections) if flavor in OWN_FLAVORS else _read_other(flavor, sections)
    saved_as = flavor.format_named(info.serialization_format)
    return replace(info, logged_executes_code=saved_as.executes_code)


def find_needs(info: ModelInfo, recorded: Collection[str]) -> Needs | None:
    """Return what the model can need; None where that cannot be told.

    :param recorded: canonical names of the model's requirements.
    """
    if info.engine.name != "exact":
        return COMPILED if info.engine.python is None else TAKEN_APART
    if info.logged_executes_code:
        return None
    return flavor_named(info.flavor).needs(info, recorded)


def _read_other(flavor: Flavor, sections: Sections) -> ModelInfo:
    try:
        info = flavor.read(sections)
    except PackagerError:
        raise
    # Not our code: anything may be raised.
    except Exception as error:
        what = f"the flavor {flavor.name!r} of another package cannot read the model"
        raise _fault_of_others(what, error) from error
    if not isinstance(info, ModelInfo):
        raise ConfigError(
            f"the flavor {flavor.name!r} of another package reads a {type(info).__name__}",
            hint="The function `read` of its row has to return a handler.manifest.ModelInfo.",
        )
    return info


def _load(entry: metadata.EntryPoint) -> Flavor:
    try:
        flavor = entry.load()
    # Any package may have registered it, so anything may be raised.
    except Exception as error:
        what = f"the flavor {entry.name!r} of {_origin(entry)} cannot be loaded"
        raise _fault_of_others(what, error) from error
    if not isinstance(flavor, Flavor):
        raise ConfigError(
            f"the flavor {entry.name!r} of {_origin(entry)} is a {type(flavor).__name__}",
            hint=f"The entry point {entry.value} has to name a"
            " packager.model.flavors.flavor.Flavor.",
        )
    return flavor


def _fault_of_others(what: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"{what}: {type(error).__name__}: {error}",
        hint="Install a newer version of that package, or uninstall it.",
    )


def _origin(entry: metadata.EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.value
