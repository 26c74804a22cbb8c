"""scikit-learn's trees and forests (written against 1.9)."""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return, var-annotated"

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from .builder import Builder, Convert, Recurse, Step
from .forests import Tree, forest_step
from .steps_common import check, labels, make, only


def checked(model: Any, method: str = "predict") -> list[Step]:
    """Return what a tree or forest does with its input first.

    Which special values it takes differs from release to release, so it is asked.
    """
    return check(
        model,
        "float32",
        allow_nan=_takes(model, method, np.nan),
        allow_infinity=_takes(model, method, np.inf),
    )


def _takes(model: Any, method: str, value: float) -> bool:
    row = np.full((1, int(model.n_features_in_)), value, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the row's columns have no names
        try:
            getattr(model, method)(row)
        except ValueError:
            return False
    return True


def _fractions(values: np.ndarray) -> np.ndarray:
    """Return each class's share in each node, nodes x outputs x classes.

    Releases before 1.4 kept weights there, and divided them when they predicted.
    """
    if np.allclose(values[0].sum(axis=1), 1.0):
        return values
    total = values.sum(axis=2, keepdims=True)
    total[total == 0.0] = 1.0
    return values / total


def _leaf_values(tree: Any) -> np.ndarray:
    values = tree.tree_.value
    return _fractions(values) if hasattr(tree, "classes_") else values


def tree_of(tree: Any, values: np.ndarray, features: np.ndarray | None = None) -> Tree:
    """Return a `sklearn.tree._tree.Tree` in our layout.

    :param values: nodes x width: what its leaves give.
    :param features: the input's columns by the tree's own, where it saw a part of them.
    """
    left, feature = tree.children_left, tree.feature
    if features is not None:
        feature = np.where(left >= 0, np.asarray(features)[feature], feature)
    missing = getattr(tree, "missing_go_to_left", np.zeros(len(left), bool))
    return Tree(
        left=left,
        right=tree.children_right,
        feature=feature,
        threshold=tree.threshold,
        missing_left=np.asarray(missing, bool),
        values=np.asarray(values, np.float64),
    )


def _sum(model: Any, trees: Iterable[Any], builder: Builder, start: float) -> Step:
    """Return the sum of what whole trees give: all classes of all outputs, flat."""
    trees = list(trees)
    width = int(np.prod(trees[0].tree_.value.shape[1:]))
    flat = (tree_of(tree.tree_, _leaf_values(tree).reshape(-1, width)) for tree in trees)
    base = np.full(width, start, np.float64)
    return forest_step(builder, flat, [0] * len(trees), base, int(model.n_features_in_))


def _answer(model: Any, method: str, builder: Builder) -> list[Step]:
    """Return what makes an answer of what trees give: class probabilities, or values."""
    is_classifier, is_single = hasattr(model, "classes_"), model.n_outputs_ == 1
    only(model, method, "predict", *(["predict_proba"] if is_classifier and is_single else []))
    if method == "predict_proba":
        return []
    if not is_classifier:
        return [make("ravel")] if is_single else []
    if is_single:
        return [labels(model, builder)]
    classes = {f"classes{number}": own for number, own in enumerate(model.classes_)}
    return [make("multi_labels", builder, classes, width=int(max(model.n_classes_)))]


def _tree(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    answer = _answer(model, method, builder)
    # From -0.0, so that a leaf's -0.0 stays one: a tree alone is not added to anything.
    return [*checked(model, method), _sum(model, [model], builder, -0.0), *answer]


def _forest(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    answer = _answer(model, method, builder)
    total = _sum(model, model.estimators_, builder, 0.0)
    return [*checked(model, method), total, make("divide", by=len(model.estimators_)), *answer]


def _isolation(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict", "decision_function", "score_samples")
    from sklearn.ensemble._iforest import _average_path_length

    paths = zip(model._decision_path_lengths, model._average_path_length_per_tree, strict=True)
    parts = zip(model.estimators_, model.estimators_features_, paths, strict=True)
    trees = (
        tree_of(tree.tree_, (depths + average - 1.0).reshape(-1, 1), features)
        for tree, features, (depths, average) in parts
    )
    count = len(model.estimators_)
    per_tree = float(_average_path_length([model._max_samples])[0])
    offset = None if method == "score_samples" else float(model.offset_)
    return [
        *checked(model, method),
        forest_step(builder, trees, [0] * count, np.zeros(1), int(model.n_features_in_)),
        make("ravel"),
        make("isolation", denominator=count * per_tree, offset=offset),
        *([make("inliers")] if method == "predict" else []),
    ]


_TASKS = ("Classifier", "Regressor")
CONVERTERS: dict[str, Convert] = {
    **{f"sklearn.ensemble._forest.RandomForest{task}": _forest for task in _TASKS},
    **{f"sklearn.ensemble._forest.ExtraTrees{task}": _forest for task in _TASKS},
    **{f"sklearn.tree._classes.DecisionTree{task}": _tree for task in _TASKS},
    **{f"sklearn.tree._classes.ExtraTree{task}": _tree for task in _TASKS},
    "sklearn.ensemble._iforest.IsolationForest": _isolation,
}
"""By qualified class name."""
