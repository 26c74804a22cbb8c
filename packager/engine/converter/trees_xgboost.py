"""XGBoost's tree models, from the JSON that they are saved as (written against 3.2)."""

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .builder import Builder, Convert, NotConvertible, Recurse, Step
from .forests import Tree, below, forest_step
from .steps_common import make, only, refuse

_SIGMOID = ("binary:logistic", "reg:logistic")
_EXP = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox")
_DOUBLE_EXP = "survival:aft"
_LINKS = dict.fromkeys(_SIGMOID, "sigmoid") | dict.fromkeys(_EXP, "exp")
_LINKS[_DOUBLE_EXP] = "double_exp"
_SOFTMAX, _SOFTMAX_LABEL = "multi:softprob", "multi:softmax"
_HINGE = "binary:hinge"
_RAW = (
    *("reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror"),
    *("reg:quantileerror", "reg:expectileerror", "binary:logitraw"),
    *("rank:pairwise", "rank:ndcg", "rank:map"),
)


@dataclass(frozen=True)
class _Model:
    """What is read from a saved model."""

    trees: list[dict[str, Any]]
    targets: list[int]
    """By tree: the class or target that it adds to."""
    weights: np.ndarray
    """float32 by tree: dart's; 1 elsewhere."""
    is_dart: bool
    base: np.ndarray
    """float32 by output."""
    objective: str
    columns: int
    is_base_last: bool
    """Whether the trees are summed up before they are added to the base."""


def _booster(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict")
    return _values(model, 0, builder, is_estimator=False)


def _estimator(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict")
    return _estimated(model, builder)


def _classifier(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    objective, classes = model.objective, int(model.n_classes_)
    is_multiple = objective in (_SOFTMAX, _SOFTMAX_LABEL)
    if method not in ("predict", "predict_proba") or (is_multiple and classes == 2):
        raise refuse(model, f"the method {method} and {classes} classes")
    if objective == _SOFTMAX_LABEL:
        raise refuse(model, f"the objective {objective}")
    values = _estimated(model, builder)
    if method == "predict_proba":
        return values if is_multiple else [*values, make("pair")]
    numbers = {"classes": _labels(model, classes if is_multiple else 2)}
    return [*values, make("labels", builder, numbers, threshold=0.5)]


def _labels(model: Any, count: int) -> np.ndarray:
    # Before 1.6 it numbered the classes itself, whatever they are.
    encoder = getattr(model, "_le", None)
    labels: np.ndarray = np.arange(count) if encoder is None else encoder.classes_
    return labels


def _estimated(model: Any, builder: Builder) -> list[Step]:
    if model.missing is not None and not math.isnan(model.missing):
        raise refuse(model, f"missing={model.missing}")
    if model.booster == "gblinear":
        raise refuse(model, "booster='gblinear'")
    _, last = model._get_iteration_range(None)
    return _values(model.get_booster(), int(last), builder, is_estimator=True)


def _values(booster: Any, rounds: int, builder: Builder, *, is_estimator: bool) -> list[Step]:
    """Return what computes the booster's predictions.

    :param rounds: how many of its rounds count; 0: all.
    :param is_estimator: an estimator asks it, past the DMatrix, which refuses infinities.
    """
    model = _read(booster, rounds)
    # What the estimators call predicts with each of dart's trees alone, and takes off the base.
    is_apart = model.is_dart and is_estimator
    offsets = model.base[model.targets] if is_apart else np.zeros(len(model.trees), np.float32)
    parts = zip(model.trees, model.weights, offsets, strict=True)
    trees = [_tree(tree, weight, offset) for tree, weight, offset in parts]
    base = np.zeros_like(model.base) if model.is_base_last else model.base
    step = forest_step(builder, trees, model.targets, base, model.columns)
    checked = make(
        "check",
        dtype="float32",
        allow_nan=True,
        allow_infinity=is_estimator,
        allow_empty=True,
        features=model.columns,
    )
    last = [make("arithmetic", builder, {"0": model.base}, do=["add"])]
    return [make("matrix"), checked, step, *(last * model.is_base_last), *_answer(model)]


def _answer(model: _Model) -> list[Step]:
    objective = model.objective
    if objective == _SOFTMAX:
        return [make("single_link", name="softmax")]
    if objective == _SOFTMAX_LABEL:
        return [make("number_of_largest")]
    flat = [make("ravel")] if len(model.base) == 1 else []
    if objective in _LINKS:
        return [*flat, make("single_link", name=_LINKS[objective])]
    if objective == _HINGE:
        return [*flat, make("hinge")]
    if objective in _RAW:
        return flat
    raise NotConvertible(f"XGBoost's objective {objective} is not known")


def _read(booster: Any, rounds: int) -> _Model:
    saved = json.loads(booster.save_raw("json"))
    learner = saved["learner"]
    gradient, params = learner["gradient_booster"], learner["learner_model_param"]
    drops = gradient.get("weight_drop")
    gradient = gradient.get("gbtree", gradient)
    if "model" not in gradient or "trees" not in gradient["model"]:
        raise NotConvertible(f"XGBoost's booster {gradient.get('name')!r} has no trees")
    model = gradient["model"]
    if (model.get("cats") or {}).get("enc"):
        raise NotConvertible("the model renames categories itself")
    outputs = max(int(params["num_class"]), int(params.get("num_target", 1)), 1)
    count = _count(model, rounds, outputs)
    objective = learner["objective"]["name"]
    return _Model(
        trees=model["trees"][:count],
        targets=model["tree_info"][:count],
        weights=np.array([1.0] * count if drops is None else drops[:count], np.float32),
        is_dart=drops is not None,
        base=_base(params["base_score"], objective, outputs),
        objective=objective,
        columns=int(params["num_feature"]),
        is_base_last=saved["version"] < [1, 3],
    )


def _count(model: dict[str, Any], rounds: int, outputs: int) -> int:
    """Return how many trees the first rounds have."""
    trees = len(model["trees"])
    if rounds == 0:
        return trees
    if indices := model.get("iteration_indptr"):
        return int(indices[min(rounds, len(indices) - 1)])
    parallel = int(model["gbtree_model_param"].get("num_parallel_tree", 1))
    return min(trees, rounds * parallel * outputs)


def _base(saved: str, objective: str, outputs: int) -> np.ndarray:
    """Return what trees are added to; the file has it as a prediction.

    :param saved: one number, or from 3.1 on a JSON list with one for each output.
    """
    scores = np.array(json.loads(saved) if saved.startswith("[") else [float(saved)], np.float32)
    if objective in _SIGMOID:
        odds = np.float32(1) / scores - np.float32(1)
        scores = -np.log(odds.astype(np.float64)).astype(np.float32)
    elif objective in (*_EXP, _DOUBLE_EXP):
        scores = np.log(scores.astype(np.float64)).astype(np.float32)
    return np.full(outputs, scores, np.float32)


def _tree(tree: dict[str, Any], weight: np.float32, offset: np.float32) -> Tree:
    if int(tree["tree_param"].get("size_leaf_vector") or 1) > 1:
        raise NotConvertible("its trees have a vector in each leaf")
    left = np.array(tree["left_children"], np.int64)
    right = np.array(tree["right_children"], np.int64)
    conditions = np.array(tree["split_conditions"], np.float32)
    missing_left = np.array(tree["default_left"], bool)
    categories = _categories(tree)
    leaves = ((conditions + offset) - offset) * weight
    for node in categories:
        # XGBoost names the categories that go right.
        left[node], right[node] = right[node], left[node]
        missing_left[node] = not missing_left[node]
    return Tree(
        left=left,
        right=right,
        feature=np.array(tree["split_indices"], np.int64),
        threshold=below(conditions),
        missing_left=missing_left,
        values=leaves.astype(np.float64).reshape(-1, 1),
        categories=categories,
    )


def _categories(tree: dict[str, Any]) -> dict[int, np.ndarray]:
    if "categories" not in tree:  # before 1.3
        return {}
    chosen = np.array(tree["categories"], np.int64)
    fields = (tree[f"categories_{name}"] for name in ("nodes", "segments", "sizes"))
    parts = zip(*fields, strict=True)
    return {node: chosen[start : start + size] for node, start, size in parts}


CONVERTERS: dict[str, Convert] = {
    "xgboost.core.Booster": _booster,
    "xgboost.sklearn.XGBModel": _estimator,
    "xgboost.sklearn.XGBRegressor": _estimator,
    "xgboost.sklearn.XGBRFRegressor": _estimator,
    "xgboost.sklearn.XGBRanker": _estimator,
    "xgboost.sklearn.XGBClassifier": _classifier,
    "xgboost.sklearn.XGBRFClassifier": _classifier,
}
"""By qualified class name."""
