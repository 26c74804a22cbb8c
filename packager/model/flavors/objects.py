"""Formats and needs of models that are Python objects in a file, whatever their flavor."""

import sys
from collections.abc import Collection
from dataclasses import replace

from packaging.utils import canonicalize_name

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Format
from packager.model.needs import SKLEARN, Needs

_INSTEAD = "log it with serialization_format='skops'"
SKOPS = Format("skops", False, "constructs known types, and those that the model trusts by name")
OBJECT_FORMATS = (
    SKOPS,
    *(Format(name, True, _INSTEAD) for name in ("cloudpickle", "pickle", "joblib")),
)
OBJECT_FORMAT_NAMES = tuple(item.name for item in OBJECT_FORMATS)

# Distribution names that differ from the module that a skops trusted type starts with.
_DISTRIBUTION_OF_MODULE = {
    "sklearn": "scikit-learn",
    "imblearn": "imbalanced-learn",
    "dateutil": "python-dateutil",
}
_SKOPS = Needs(
    SKLEARN | {"skops"},
    "a skops file holds scikit-learn, numpy and scipy objects and trusted types only",
    (("prettytable", "skops draws model cards with it"),),
)


_LIBRARIES = ("sklearn", "lightgbm", "xgboost")
_OF_PYTHON = frozenset(("collections.OrderedDict", "collections.defaultdict", "numpy.dtype"))


def foreign_types(info: ModelInfo) -> tuple[str, ...]:
    """Return the trusted types that are no classes of the libraries that such models are made of.

    skops constructs them with whatever arguments the file holds, functions too.
    """
    return tuple(name for name in info.trusted_types if not _is_known(name))


def _is_known(name: str) -> bool:
    module, _, last = name.rpartition(".")
    is_class = last.lstrip("_")[:1].isupper()
    return name in _OF_PYTHON or (is_class and module.partition(".")[0] in _LIBRARIES)


def skops_needs(info: ModelInfo, recorded: Collection[str]) -> Needs | None:
    """Add the trusted types' distributions; None where one of them is called otherwise."""
    modules = {trusted.split(".")[0] for trusted in info.trusted_types}
    names = {
        canonicalize_name(_DISTRIBUTION_OF_MODULE.get(module, module))
        for module in modules - sys.stdlib_module_names
    }
    if not names <= {*recorded, *_SKOPS.distributions}:
        return None
    # What other libraries do with skops' requirements is not known.
    unused = _SKOPS.unused if names <= _SKOPS.distributions | {"lightgbm"} else ()
    found = Needs(_SKOPS.distributions | names, _SKOPS.reason, unused)
    if info.engine.data_path is None:  # not rewritten
        return found
    return replace(found, distributions=found.distributions - {"skops"})
