"""Conversion of discriminant analysis, naive Bayes, clusters, projections and dummies."""

from typing import Any

import numpy as np

from .builder import Builder, Convert, Recurse, Step
from .steps_common import FLOATS, check, dense, labels, library_version, make, only, refuse
from .steps_linear import classifier, scores

_PAIR = 2


def _linear_discriminant(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    if method in ("predict", "decision_function"):
        return classifier(model, method, builder, recurse)
    if method == "transform":
        return _discriminants(model, builder)
    only(model, method, "predict_proba")
    steps = scores(model, builder, is_flat=True)
    if len(model.classes_) == _PAIR:
        return [*steps, make("expit"), make("pair")]
    return [*steps, make("softmax")]


def _discriminants(model: Any, builder: Builder) -> list[Step]:
    steps = check(model)
    if model.solver not in ("svd", "eigen"):
        raise refuse(model, f"the solver {model.solver}")
    if model.solver == "svd":
        steps.append(make("shift", builder, {"center": model.xbar_}))
    count = int(min(model._max_components, model.scalings_.shape[1]))
    return [
        *steps,
        make("dot", builder, {"matrix": model.scalings_}),
        make("pick", names=None, positions=list(range(count))),
    ]


def _quadratic_discriminant(
    model: Any, method: str, builder: Builder, recurse: Recurse
) -> list[Step]:
    only(model, method, "predict", "decision_function", "predict_proba", "predict_log_proba")
    arrays = {
        "means": model.means_,
        "log_determinants": np.asarray([np.sum(np.log(one)) for one in model.scalings_]),
        "log_priors": np.log(model.priors_),
    }
    turns = zip(model.rotations_, model.scalings_, strict=True)
    for index, (rotation, scaling) in enumerate(turns):
        arrays[str(index)] = rotation * (scaling ** (-0.5))
    steps = [*check(model), make("quadratic", builder, arrays)]
    if method == "decision_function":
        return [*steps, make("difference")] if len(model.classes_) == _PAIR else steps
    return steps + _from_joint(model, method, builder, "log_softmax")


def _from_joint(model: Any, method: str, builder: Builder, logarithms: str) -> list[Step]:
    if method == "predict":
        return [labels(model, builder)]
    steps = [make(logarithms)]
    return [*steps, make("elementwise", do=["exp"])] if method == "predict_proba" else steps


_BAYES_METHODS = ("predict", "predict_proba", "predict_log_proba")


def _gaussian_bayes(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, *_BAYES_METHODS)
    variances = model.var_
    arrays = {
        "means": model.theta_,
        "variances": variances,
        "constant": np.array([-0.5 * np.sum(np.log(2.0 * np.pi * one)) for one in variances]),
        "log_priors": np.log(model.class_prior_),
    }
    steps = [*check(model), make("gaussian", builder, arrays)]
    return steps + _from_joint(model, method, builder, "log_shares")


def _discrete_bayes(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, *_BAYES_METHODS)
    steps = check(model)
    weights, priors = model.feature_log_prob_, model.class_log_prior_
    if type(model).__name__ == "BernoulliNB":
        if model.binarize is not None:
            steps.append(make("binarize", threshold=float(model.binarize)))
        absent = np.log(1 - np.exp(weights))
        weights, priors = weights - absent, priors + absent.sum(axis=1)
    elif type(model).__name__ == "ComplementNB" and len(model.classes_) > 1:
        priors = np.zeros(len(model.classes_))
    steps.append(make("linear", builder, {"coef": weights, "intercept": priors}, is_flat=False))
    return steps + _from_joint(model, method, builder, "log_shares")


def _clusters(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict", "transform")
    arrays = {"centers": model.cluster_centers_}
    if method == "transform":
        return [*check(model, FLOATS), make("distances", builder, arrays)]
    is_whole = library_version() < (0, 23)
    return [*check(model, FLOATS), make("nearest", builder, arrays, is_whole=is_whole)]


def _principal(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    steps = check(model, FLOATS)
    components = make("linear", builder, _projection(model), is_flat=False)
    if library_version() < (1, 5):
        steps.append(make("shift", builder, {"center": model.mean_}))
    steps.append(components)
    if not model.whiten:
        return steps
    scale = np.sqrt(model.explained_variance_)
    if library_version() >= (1, 5):
        scale[scale < np.finfo(scale.dtype).eps] = np.finfo(scale.dtype).eps
    return [*steps, make("arithmetic", builder, {"0": scale}, do=["divide"])]


def _projection(model: Any) -> dict[str, Any]:
    # From 1.5 on the mean is projected too, and subtracted afterwards.
    offset = -(model.mean_.reshape(1, -1) @ model.components_.T)[0]
    if library_version() < (1, 5):
        offset = np.zeros_like(offset)
    return {"coef": model.components_, "intercept": offset}


def _singular(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    return [*check(model), make("dot", builder, {"matrix": model.components_.T})]


def _least_squares(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict")
    if library_version() < (1, 3):
        raise refuse(model, "coefficients as scikit-learn before 1.3 has them")
    arrays = {"coef": dense(model.coef_), "intercept": model.intercept_}
    steps = [
        *check(model, FLOATS),
        make("arithmetic", builder, {"0": model._x_mean}, do=["subtract"]),
        make("linear", builder, arrays, is_flat=False),
    ]
    return [*steps, make("reshape", shape=[-1])] if model._predict_1d else steps


def _dummy_classifier(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict", "predict_proba")
    if model.n_outputs_ > 1 or model.sparse_output_:
        raise refuse(model, "several outputs")
    if model.strategy not in ("most_frequent", "prior", "constant"):
        raise refuse(model, f"the strategy {model.strategy}")
    if model.strategy == "constant":
        place = int(np.flatnonzero(model.classes_ == np.asarray(model.constant))[0])
    else:
        place = int(model.class_prior_.argmax())
    if method == "predict":
        label = model.constant if model.strategy == "constant" else model.classes_[place]
        return [make("constant", builder, {"value": np.array([label])}, is_flat=True)]
    shares = np.zeros(len(model.classes_))
    shares[place] = 1.0
    shares = model.class_prior_ if model.strategy == "prior" else shares
    return [make("constant", builder, {"value": shares}, is_flat=False)]


def _dummy_regressor(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict")
    value = np.asarray(model.constant_)[0]
    return [make("constant", builder, {"value": value}, is_flat=model.n_outputs_ == 1)]


CONVERTERS: dict[str, Convert] = {
    "sklearn.discriminant_analysis.LinearDiscriminantAnalysis": _linear_discriminant,
    "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis": _quadratic_discriminant,
    "sklearn.naive_bayes.GaussianNB": _gaussian_bayes,
    "sklearn.naive_bayes.BernoulliNB": _discrete_bayes,
    "sklearn.naive_bayes.ComplementNB": _discrete_bayes,
    "sklearn.naive_bayes.MultinomialNB": _discrete_bayes,
    "sklearn.cluster._kmeans.KMeans": _clusters,
    "sklearn.cluster._kmeans.MiniBatchKMeans": _clusters,
    "sklearn.decomposition._pca.PCA": _principal,
    "sklearn.decomposition._incremental_pca.IncrementalPCA": _principal,
    "sklearn.decomposition._truncated_svd.TruncatedSVD": _singular,
    "sklearn.cross_decomposition._pls.PLSRegression": _least_squares,
    "sklearn.dummy.DummyClassifier": _dummy_classifier,
    "sklearn.dummy.DummyRegressor": _dummy_regressor,
}
