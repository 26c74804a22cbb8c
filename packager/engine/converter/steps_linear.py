"""Conversion of scikit-learn's linear models, and of networks of them."""

from typing import Any

import numpy as np

from .builder import Builder, Convert, Recurse, Step
from .steps_common import FLOATS, check, dense, labels, library_version, make, only, refuse

_REGRESSORS = (
    "_base.LinearRegression",
    "_bayes.ARDRegression",
    "_bayes.BayesianRidge",
    "_coordinate_descent.ElasticNet",
    "_coordinate_descent.ElasticNetCV",
    "_coordinate_descent.Lasso",
    "_coordinate_descent.LassoCV",
    "_coordinate_descent.MultiTaskElasticNet",
    "_coordinate_descent.MultiTaskElasticNetCV",
    "_coordinate_descent.MultiTaskLasso",
    "_coordinate_descent.MultiTaskLassoCV",
    "_huber.HuberRegressor",
    "_least_angle.Lars",
    "_least_angle.LarsCV",
    "_least_angle.LassoLars",
    "_least_angle.LassoLarsCV",
    "_least_angle.LassoLarsIC",
    "_omp.OrthogonalMatchingPursuit",
    "_omp.OrthogonalMatchingPursuitCV",
    "_quantile.QuantileRegressor",
    "_ridge.Ridge",
    "_ridge.RidgeCV",
    "_theil_sen.TheilSenRegressor",
)
_CLASSIFIERS = (
    "_passive_aggressive.PassiveAggressiveClassifier",
    "_perceptron.Perceptron",
    "_ridge.RidgeClassifier",
    "_ridge.RidgeClassifierCV",
)
_LOGARITHMIC = ("GammaRegressor", "PoissonRegressor")


def scores(
    model: Any, builder: Builder, *, is_flat: bool, dtype: str | list[str] = "numeric"
) -> list[Step]:
    """Return the steps up to `X @ coef_.T + intercept_`."""
    arrays = {"coef": dense(model.coef_), "intercept": np.asarray(model.intercept_)}
    return [*check(model, dtype), make("linear", builder, arrays, is_flat=is_flat)]


def _regressor(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict")
    return scores(model, builder, is_flat=False)


def _flat_regressor(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict")
    return [*scores(model, builder, is_flat=True), make("reshape", shape=[-1])]


def _generalized(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict")
    steps = scores(model, builder, is_flat=False, dtype=FLOATS)
    if type(model).__name__ in _LOGARITHMIC:
        return [*steps, make("elementwise", do=["exp"])]
    link = type(model._base_loss.link).__name__
    if link not in ("IdentityLink", "LogLink"):
        raise refuse(model, f"the link {link}")
    return steps if link == "IdentityLink" else [*steps, make("elementwise", do=["exp"])]


def classifier(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    """Convert a classifier whose class is that of the largest linear score."""
    only(model, method, "predict", "decision_function")
    if getattr(model, "_label_binarizer", None) is not None and (
        model._label_binarizer.y_type_.startswith("multilabel")
    ):
        raise refuse(model, "several labels for a row")
    steps = scores(model, builder, is_flat=True)
    return [*steps, labels(model, builder)] if method == "predict" else steps


def _logistic(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict", "decision_function", "predict_proba", "predict_log_proba")
    if method in ("predict", "decision_function"):
        return classifier(model, method, builder, recurse)
    steps = scores(model, builder, is_flat=True)
    if _is_one_against_rest(model):
        steps += one_against_rest(len(model.classes_))
    elif len(model.classes_) <= 2:
        steps += [make("mirror", divisor=1.0), make("softmax")]
    else:
        steps.append(make("softmax"))
    return [*steps, make("elementwise", do=["log"])] if method == "predict_log_proba" else steps


def one_against_rest(classes: int) -> list[Step]:
    """Return the steps from scores to probabilities, each class against the rest."""
    return [make("expit"), _all_classes(classes, _empty_shares())]


def _all_classes(classes: int, empty: str) -> Step:
    return make("pair") if classes <= 2 else make("shares", empty=empty)


def _empty_shares() -> str:
    """Return what the model's scikit-learn makes of probabilities that are all 0."""
    if library_version() < (1, 8):
        return "nan"
    from sklearn.linear_model._base import LinearClassifierMixin

    class Hopeless:
        """A classifier that gives every class a probability of 0."""

        def decision_function(self, rows: np.ndarray) -> np.ndarray:
            return np.full((len(rows), 3), -1e4)

    with np.errstate(all="ignore"):
        shares = LinearClassifierMixin._predict_proba_lr(Hopeless(), np.zeros((1, 1)))
    return "nan" if np.isnan(shares).any() else "even"


def _is_one_against_rest(model: Any) -> bool:
    is_binary = len(model.classes_) <= 2
    strategy = getattr(model, "multi_class", "auto")
    if library_version() >= (1, 8):
        return is_binary
    if strategy not in ("auto", "deprecated"):
        return bool(strategy == "ovr")
    separate = ("liblinear",) if library_version() >= (1, 7) else ("liblinear", "newton-cholesky")
    return is_binary or model.solver in separate


def _sgd_classifier(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict", "decision_function", "predict_proba", "predict_log_proba")
    if method in ("predict", "decision_function"):
        return classifier(model, method, builder, recurse)
    if model.loss not in ("log_loss", "modified_huber"):
        raise refuse(model, f"probabilities of the loss {model.loss}")
    steps = scores(model, builder, is_flat=True)
    if model.loss == "log_loss":
        steps += one_against_rest(len(model.classes_))
    else:
        halves = {"0": np.float64(1.0), "1": np.float64(2.0)}
        steps += [
            make("clip", low=-1.0, high=1.0),
            make("arithmetic", builder, halves, do=["add", "divide"]),
            _all_classes(len(model.classes_), "even"),
        ]
    return [*steps, make("elementwise", do=["log"])] if method == "predict_log_proba" else steps


def _ransac(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict")
    first = check(model, allow_nan=True, allow_infinity=True)
    return [*first, *recurse(model.estimator_, "predict")]


def _network(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    is_classifier = hasattr(model, "classes_")
    methods = ("predict", "predict_proba", "predict_log_proba") if is_classifier else ("predict",)
    only(model, method, *methods)
    steps = check(model)
    last = len(model.coefs_) - 1
    for index, (coef, intercept) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        steps.append(make("dot", builder, {"matrix": coef}))
        steps.append(make("arithmetic", builder, {"0": intercept}, do=["add"]))
        steps += _activation(model, model.activation if index < last else model.out_activation_)
    if is_classifier:
        return steps + _network_classes(model, method, builder)
    return [*steps, make("reshape", shape=[-1])] if model.n_outputs_ == 1 else steps


def _activation(model: Any, name: str) -> list[Step]:
    steps: dict[str, list[Step]] = {
        "identity": [],
        "relu": [make("relu")],
        "tanh": [make("elementwise", do=["tanh"])],
        "logistic": [make("expit")],
        "softmax": [make("softmax")],
        "exp": [make("elementwise", do=["exp"])],
    }
    if name not in steps:
        raise refuse(model, f"the activation {name}")
    return steps[name]


def _network_classes(model: Any, method: str, builder: Builder) -> list[Step]:
    if model._label_binarizer.y_type_.startswith("multilabel"):
        raise refuse(model, "several labels for a row")
    is_single = model.n_outputs_ == 1
    steps = [make("reshape", shape=[-1])] if is_single else []
    if method == "predict":
        classes = {"classes": model.classes_}
        return [*steps, make("labels", builder, classes, threshold=0.5)]
    if is_single:
        steps.append(make("pair"))
    return [*steps, make("elementwise", do=["log"])] if method == "predict_log_proba" else steps


_LINEAR = "sklearn.linear_model."
CONVERTERS: dict[str, Convert] = {
    **{_LINEAR + name: _regressor for name in _REGRESSORS},
    **{_LINEAR + name: classifier for name in _CLASSIFIERS},
    _LINEAR + "_stochastic_gradient.SGDRegressor": _flat_regressor,
    _LINEAR + "_passive_aggressive.PassiveAggressiveRegressor": _flat_regressor,
    _LINEAR + "_stochastic_gradient.SGDClassifier": _sgd_classifier,
    _LINEAR + "_logistic.LogisticRegression": _logistic,
    _LINEAR + "_logistic.LogisticRegressionCV": _logistic,
    _LINEAR + "_ransac.RANSACRegressor": _ransac,
    _LINEAR + "_glm.glm.PoissonRegressor": _generalized,
    _LINEAR + "_glm.glm.GammaRegressor": _generalized,
    _LINEAR + "_glm.glm.TweedieRegressor": _generalized,
    "sklearn.svm._classes.LinearSVC": classifier,
    "sklearn.svm._classes.LinearSVR": _regressor,
    "sklearn.neural_network._multilayer_perceptron.MLPClassifier": _network,
    "sklearn.neural_network._multilayer_perceptron.MLPRegressor": _network,
}
