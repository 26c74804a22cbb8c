"""Which distributions a model can need, where its format leaves no doubt.

A file that loads without running code holds what its library can read and nothing else, so
everything besides that library is MLflow's guess from the modules that happened to be
imported. A pickle, or a model with modules of its own, may need anything.
"""

import sys
from collections.abc import Collection
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name

from handler.manifest import ModelInfo

# Distribution names that differ from the module that a skops trusted type starts with.
_DISTRIBUTION_OF_MODULE = {
    "sklearn": "scikit-learn",
    "imblearn": "imbalanced-learn",
    "dateutil": "python-dateutil",
}
_FRAMES = frozenset({"numpy", "scipy", "pandas"})
_SKLEARN = _FRAMES | {"scikit-learn", "joblib"}


@dataclass(frozen=True)
class Needs:
    """What a model's file can need."""

    distributions: frozenset[str]
    """Canonical names."""
    reason: str
    """Why nothing else is needed."""
    unused: tuple[tuple[str, str], ...] = ()
    """What these distributions require and no prediction uses: name and reason."""


_SKOPS = Needs(
    _SKLEARN | {"skops"},
    "a skops file holds scikit-learn, numpy and scipy objects and trusted types only",
    (("prettytable", "skops draws model cards with it"),),
)
_BOOSTER = Needs(
    _FRAMES | {"xgboost", "xgboost-cpu"}, "an XGBoost Booster reads its own format without it"
)
_XGBOOST = Needs(
    _SKLEARN | {"xgboost", "xgboost-cpu"}, "an XGBoost model reads its own format without it"
)
# scikit-learn stays for a Booster too: lightgbm takes its OpenMP library from there.
_LIGHTGBM = Needs(_SKLEARN | {"lightgbm"}, "a LightGBM Booster reads its own format without it")
# Tried with 1.16 to 1.31: none of them is imported by `onnxruntime` or an InferenceSession.
_UNUSED = "ONNX Runtime requires it for its tools; a session does without"
_ONNX = Needs(
    frozenset({"numpy", "pandas", "onnxruntime", "onnxruntime-gpu"}),
    "ONNX Runtime predicts without it",
    tuple(
        (name, _UNUSED) for name in ("coloredlogs", "flatbuffers", "packaging", "protobuf", "sympy")
    ),
)

_COMPILED = Needs(frozenset({"numpy", "pandas"}), "the compiled model predicts without it")


def find_needs(info: ModelInfo, recorded: Collection[str]) -> Needs | None:
    """Return what the model can need; None where that cannot be told.

    :param recorded: canonical names of the model's requirements.
    """
    if info.engine.name != "exact":
        return _COMPILED
    if info.logged_executes_code:
        return None
    match info.serialization_format:
        case "skops":
            return _skops_needs(info, recorded)
        case "onnx":
            return _ONNX
        case "lgb":
            return _LIGHTGBM
    return _BOOSTER if info.model_class == "xgboost.core.Booster" else _XGBOOST


def _skops_needs(info: ModelInfo, recorded: Collection[str]) -> Needs | None:
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
