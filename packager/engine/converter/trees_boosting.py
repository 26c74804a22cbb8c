"""scikit-learn's gradient boosting, both of its kinds (written against 1.9)."""

from typing import Any

import numpy as np

from .builder import Builder, Convert, NotConvertible, Recurse, Step
from .forests import Tree, forest_step
from .steps_common import check, labels, make, only
from .trees_sklearn import tree_of

_LINKS = {
    "IdentityLink": "identity",
    "LogLink": "log",
    "LogitLink": "logit",
    "HalfLogitLink": "half_logit",
    "MultinomialLogit": "multinomial_logit",
}
_FORMER_LINKS = {
    **dict.fromkeys(("LeastSquaresError", "LeastAbsoluteError", "HuberLossFunction"), "identity"),
    **dict.fromkeys(("QuantileLossFunction", "LeastSquares", "LeastAbsoluteDeviation"), "identity"),
    **dict.fromkeys(("BinomialDeviance", "BinaryCrossEntropy"), "logit"),
    **dict.fromkeys(("MultinomialDeviance", "CategoricalCrossEntropy"), "multinomial_logit"),
    "ExponentialLoss": "half_logit",
    "Poisson": "log",
}
"""Of losses without a link of their own: GradientBoosting's before 1.4, the other's before 1.1."""
_OF_SHARES = frozenset({"logit", "multinomial_logit"})
"""Whose class was, before that, the one of the largest probability."""
_OF_CLASSIFIERS = ("predict_proba", "decision_function")


def _answer(model: Any, method: str, builder: Builder, *, or_zero: bool) -> list[Step]:
    """Return what makes an answer of a gradient boosting's raw numbers.

    :param or_zero: a raw 0 of two classes means the second one.
    """
    is_classifier, link = hasattr(model, "classes_"), _link(model)
    only(model, method, "predict", *(_OF_CLASSIFIERS if is_classifier else ()))
    is_one = link != "multinomial_logit"
    flat = [make("ravel")] if is_one else []
    if method == "decision_function":
        return flat
    is_former = type(model._loss).__name__ in _FORMER_LINKS
    if method == "predict" and is_classifier and not (is_former and link in _OF_SHARES):
        if is_one and or_zero:
            return [*flat, make("at_least", builder, {"classes": model.classes_}, threshold=0.0)]
        return [*flat, labels(model, builder)]
    inverse = [] if link == "identity" else [make("link", name=link)]
    pair = [make("pair")] if is_one and is_classifier else []
    label = [labels(model, builder)] if method == "predict" and is_classifier else []
    return [*flat, *inverse, *pair, *label]


def _link(model: Any) -> str:
    former = _FORMER_LINKS.get(type(model._loss).__name__)
    if former is not None:
        return former
    name = type(model._loss.link).__name__
    if name not in _LINKS:
        raise NotConvertible(f"its link {name} is not known")
    return _LINKS[name]


def _gradient(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    init = model.init_
    constant = ("DummyClassifier", "DummyRegressor")
    if not isinstance(init, str) and type(init).__name__ not in constant:
        raise NotConvertible("its init estimator is not a constant")
    columns = int(model.n_features_in_)
    base = model._raw_predict_init(np.zeros((1, columns), np.float32))[0]
    # scale * value is what scikit-learn adds, rounded once before it is added.
    trees = (
        tree_of(tree.tree_, model.learning_rate * tree.tree_.value[:, 0, :1])
        for stage in model.estimators_
        for tree in stage
    )
    rounds, per_round = model.estimators_.shape
    return [
        *check(model, "float32", allow_nan=False),
        forest_step(builder, trees, list(range(per_round)) * rounds, base, columns),
        *_answer(model, method, builder, or_zero=True),
    ]


def _hist(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    per_round = int(model.n_trees_per_iteration_)
    trees = [tree for stage in model._predictors for tree in stage]
    columns = int(model.n_features_in_)
    before, order = _preprocessing(model, builder, recurse)
    with builder.part(order):
        step = forest_step(
            builder,
            [_hist_tree(tree) for tree in trees],
            list(range(per_round)) * len(model._predictors),
            np.asarray(model._baseline_prediction, np.float64).ravel(),
            columns,
        )
    answer = _answer(model, method, builder, or_zero=False)
    # Its raw numbers lie by column, which changes how numpy adds them.
    by_column = {"multinomial_logit": "multinomial_logit_by_column"}
    answer = [
        {**one, "name": by_column.get(one["name"], one["name"])} if one["op"] == "link" else one
        for one in answer
    ]
    return [*before, step, *answer]


def _preprocessing(model: Any, builder: Builder, recurse: Recurse) -> tuple[list[Step], list[int]]:
    """Return what happens to rows before the trees, and the columns as the trees see them."""
    columns = int(model.n_features_in_)
    preprocessor = getattr(model, "_preprocessor", None)
    if preprocessor is None:
        if getattr(model, "is_categorical_", None) is not None:
            raise NotConvertible("it has categorical features of a release before 1.4")
        return check(model, "float64", allow_nan=True, allow_infinity=True), list(range(columns))
    is_categorical = np.asarray(model.is_categorical_, bool)
    categorical, others = np.flatnonzero(is_categorical), np.flatnonzero(~is_categorical)
    encoder = preprocessor.named_transformers_["encoder"]
    with builder.part(categorical.tolist()):
        encoded = recurse(encoder, "transform")
    chains = [[_pick(categorical), *encoded]]
    if len(others):
        numbers = make(
            "check", dtype="float64", allow_nan=True, allow_infinity=True, features=len(others)
        )
        chains.append([_pick(others), make("matrix"), numbers])
    order = [*categorical.tolist(), *others.tolist()]
    return [make("join", chains=chains, is_numeric=False)], order


def _pick(positions: np.ndarray) -> Step:
    return make("pick", names=None, positions=positions.tolist())


def _hist_tree(predictor: Any) -> Tree:
    nodes = predictor.nodes
    left = np.where(nodes["is_leaf"] != 0, -1, nodes["left"].astype(np.int64))
    categories = {
        int(node): _categories(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]])
        for node in np.flatnonzero((left >= 0) & (nodes["is_categorical"] != 0))
    }
    return Tree(
        left=left,
        right=nodes["right"].astype(np.int64),
        feature=nodes["feature_idx"],
        threshold=nodes["num_threshold"],
        missing_left=nodes["missing_go_to_left"] != 0,
        values=nodes["value"].reshape(-1, 1),
        categories=categories,
    )


def _categories(words: np.ndarray) -> np.ndarray:
    little = np.ascontiguousarray(words, "<u4").view(np.uint8)
    return np.flatnonzero(np.unpackbits(little, bitorder="little"))


CONVERTERS: dict[str, Convert] = {
    "sklearn.ensemble._gb.GradientBoostingClassifier": _gradient,
    "sklearn.ensemble._gb.GradientBoostingRegressor": _gradient,
    **{
        f"sklearn.ensemble._hist_gradient_boosting.gradient_boosting.{name}": _hist
        for name in ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
    },
}
"""By qualified class name."""
