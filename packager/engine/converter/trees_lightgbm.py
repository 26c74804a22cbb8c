"""LightGBM's models, from the text that they are saved as (written against 4.7)."""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return, var-annotated"

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from .builder import Builder, Convert, NotConvertible, Recurse, Step
from .forests import Tree, forest_step
from .steps_common import labels, make, only, refuse

_ZERO = float(np.float32(1e-35))
"""kZeroThreshold: what lies no farther from zero is zero."""
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_SHIFT, _MISSING_ZERO, _MISSING_NAN = 2, 1, 2
"""A split's decision_type: two flags, then what counts as missing (0: nothing, NaN being zero)."""
_RAW = ("regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg", "")
_EXP = ("poisson", "gamma", "tweedie")

Fields = dict[str, str]
"""Lines `key=value`."""


@dataclass(frozen=True)
class _Model:
    """What is read from a saved model."""

    header: Fields
    trees: list[Fields]

    @property
    def outputs(self) -> int:
        """How many trees there are a round: one for each class."""
        return int(self.header["num_tree_per_iteration"])


def _booster(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict")
    return _values(model, builder, allow_empty=True)


def _regressor(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict")
    return _values(model.booster_, builder, allow_empty=False)


def _classifier(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict", "predict_proba")
    if callable(model.objective_):
        raise refuse(model, "an objective of its own")
    steps = _values(model.booster_, builder, allow_empty=False)
    if model.n_classes_ <= 2:
        steps.append(make("pair"))
    if method == "predict":
        steps.append(labels(model, builder))
    return steps


def _values(booster: Any, builder: Builder, *, allow_empty: bool) -> list[Step]:
    """Return what computes the booster's predictions, of the best iteration if it knows one."""
    model = _read(booster.model_to_string())
    columns = int(model.header["max_feature_idx"]) + 1
    outputs, trees = model.outputs, [_tree(fields) for fields in model.trees]
    checked = make(
        "check",
        # Anything else becomes float64, which is what it makes of a DataFrame.
        dtype=["float64", "float32"],
        allow_nan=True,
        allow_infinity=True,
        allow_empty=allow_empty,
        features=columns,
    )
    targets = [number % outputs for number in range(len(trees))]
    step = forest_step(builder, trees, targets, np.zeros(outputs), columns)
    mean = [make("divide", by=len(trees) // outputs)] if "average_output" in model.header else []
    flat = [make("ravel")] if outputs == 1 else []
    return [make("matrix"), checked, step, *mean, *flat, *_link(model)]


def _link(model: _Model) -> list[Step]:
    name, *params = model.header.get("objective", "").split()
    given = dict(item.split(":") for item in params if ":" in item)
    if name == "multiclass":
        return [make("link", name="softmax_in_order")]
    if name in ("binary", "multiclassova"):
        return [make("scaled_expit", scale=float(given["sigmoid"]))]
    if name == "cross_entropy":
        return [make("scaled_expit", scale=1.0)]
    if name in _EXP:
        return [make("link", name="exp")]
    if name == "regression" and "sqrt" in params:
        return [make("link", name="signed_square")]
    if name in ("regression", *_RAW):
        return []
    raise NotConvertible(f"LightGBM's objective {name} is not known")


def _read(text: str) -> _Model:
    head, *parts = re.split(r"\n(?=Tree=\d+\n)", text.split("\nend of trees")[0])
    return _Model(_fields(head), [_fields(part) for part in parts])


def _fields(text: str) -> Fields:
    parts = (line.partition("=") for line in text.splitlines())
    return {key: value for key, _, value in parts if key}


def _numbers(fields: Fields, name: str, kind: type[int] | type[float]) -> np.ndarray:
    return np.array([kind(item) for item in fields.get(name, "").split()], kind)


def _tree(fields: Fields) -> Tree:
    if fields.get("is_linear", "0") != "0":
        raise NotConvertible("its trees have linear models in their leaves")
    values = _numbers(fields, "leaf_value", float)
    # A tree of one leaf has no splits: its lists are empty.
    inner = len(values) - 1
    decisions = _padded(_numbers(fields, "decision_type", int)[:inner], len(values), 0)
    missing = decisions >> _MISSING_SHIFT & 3
    thresholds = _numbers(fields, "threshold", float)[:inner]
    is_left = np.where(missing > 0, decisions & _DEFAULT_LEFT != 0, False)
    # NaN is compared as zero where nothing counts as missing.
    is_left[:inner] |= (missing[:inner] == 0) & (thresholds >= 0.0)
    categories = _categories(fields, decisions, thresholds)
    is_left[list(categories)] = False
    is_zero = missing == _MISSING_ZERO
    is_zero[list(categories)] = False
    return Tree(
        left=_padded(_children(fields, "left_child", inner), len(values), -1),
        right=_padded(_children(fields, "right_child", inner), len(values), -1),
        feature=_padded(_numbers(fields, "split_feature", int)[:inner], len(values), 0),
        threshold=_padded(_without_zeros(thresholds), len(values), 0.0),
        missing_left=_padded(is_left[:inner], len(values), False),
        values=np.concatenate([np.zeros(inner), values]).reshape(-1, 1),
        zero_is_missing=_padded(is_zero[:inner], len(values), False),
        categories=categories,
        is_truncated=True,
    )


def _padded(splits: np.ndarray, leaves: int, fill: Any) -> np.ndarray:
    """Return an array by node, splits first, from one by split."""
    return np.concatenate([splits, np.full(leaves, fill)]).astype(np.asarray(fill).dtype)


def _children(fields: Fields, name: str, inner: int) -> np.ndarray:
    children = _numbers(fields, name, int)[:inner]
    # Leaves are counted from -1 down.
    return np.where(children < 0, inner + ~children, children)


def _without_zeros(thresholds: np.ndarray) -> np.ndarray:
    """Return thresholds that treat nearly zero as LightGBM does, which compares it as zero."""
    below = np.nextafter(-_ZERO, -np.inf)
    raised = np.where(thresholds >= 0.0, np.maximum(thresholds, _ZERO), thresholds)
    return np.where((thresholds < 0.0) & (thresholds >= -_ZERO), below, raised)


def _categories(
    fields: Fields, decisions: np.ndarray, thresholds: np.ndarray
) -> dict[int, np.ndarray]:
    bounds = _numbers(fields, "cat_boundaries", int)
    words = np.array(fields.get("cat_threshold", "").split(), "<u4")
    found = {}
    for node in np.flatnonzero(decisions & _CATEGORICAL).tolist():
        number = int(thresholds[node])
        own = words[bounds[number] : bounds[number + 1]]
        bits = np.unpackbits(np.ascontiguousarray(own).view(np.uint8), bitorder="little")
        found[node] = np.flatnonzero(bits)
    return found


CONVERTERS: dict[str, Convert] = {
    "lightgbm.basic.Booster": _booster,
    "lightgbm.sklearn.LGBMModel": _regressor,
    "lightgbm.sklearn.LGBMRegressor": _regressor,
    "lightgbm.sklearn.LGBMRanker": _regressor,
    "lightgbm.sklearn.LGBMClassifier": _classifier,
}
"""By qualified class name."""
