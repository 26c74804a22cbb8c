"""Forests without the preparations for threads that `predict` makes for every call.

A forest hands each of its trees to joblib, which for one row costs many times what the trees
take. Here its own trees are asked one after the other: the same numbers are added up in the same
order, so the result is the same to the bit. The library's own checks of the input are kept.
"""

from collections.abc import Callable
from typing import Any

_CLASSIFIERS = ("RandomForestClassifier", "ExtraTreesClassifier")
_REGRESSORS = ("RandomForestRegressor", "ExtraTreesRegressor")


def direct(estimator: Any, method: str) -> Callable[[Any], Any] | None:
    """Return what predicts as the method does; None if there is no such shorter way.

    :param estimator: a forest, or a pipeline that ends in one.
    :param method: `predict` or `predict_proba`; there is none for others.
    """
    if not _is_of(estimator, "sklearn.pipeline", ("Pipeline",)):
        return _direct_forest(estimator, method)
    last = _direct_forest(estimator.steps[-1][1], method)
    if last is None or len(estimator.steps) == 1:
        return last
    before, predict = estimator[:-1].transform, last
    return lambda data: predict(before(data))


def _is_of(estimator: Any, module: str, names: tuple[str, ...]) -> bool:
    # A class derived from one of these may predict in its own way.
    kind = type(estimator)
    return kind.__module__ == module and kind.__name__ in names


def _direct_forest(forest: Any, method: str) -> Callable[[Any], Any] | None:
    module = "sklearn.ensemble._forest"
    if getattr(forest, "n_outputs_", None) != 1:
        return None
    if _is_of(forest, module, _REGRESSORS):
        return _regression(forest) if method == "predict" else None
    if not _is_of(forest, module, _CLASSIFIERS) or not _holds_shares():
        return None
    shares = _mean(forest, int(forest.n_classes_))
    if method == "predict_proba":
        return shares
    return _labels(forest, shares) if method == "predict" else None


def _holds_shares() -> bool:
    """Whether the leaves hold the classes' shares, as from scikit-learn 1.3 on, not counts."""
    import sklearn  # there already: the forest is one of its objects

    major, minor = sklearn.__version__.split(".")[:2]
    return (int(major), int(minor)) >= (1, 3)


def _mean(forest: Any, width: int) -> Callable[[Any], Any]:
    """Return what averages the trees' answers, rows x width, as the forest itself does."""
    import numpy as np

    trees = [tree.tree_ for tree in forest.estimators_]

    def mean(data: Any) -> Any:
        rows = forest._validate_X_predict(data)
        total = np.zeros((rows.shape[0], width), dtype=np.float64)
        for tree in trees:
            total += tree.predict(rows)
        total /= len(trees)
        return total

    return mean


def _labels(forest: Any, shares: Callable[[Any], Any]) -> Callable[[Any], Any]:
    classes = forest.classes_
    return lambda data: classes.take(shares(data).argmax(axis=1), axis=0)


def _regression(forest: Any) -> Callable[[Any], Any]:
    mean = _mean(forest, 1)
    return lambda data: mean(data)[:, 0]
