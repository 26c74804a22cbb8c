"""Conversion of models that are made of other models."""

from typing import Any

import numpy as np

from .builder import Builder, Convert, Recurse, Step
from .steps_common import check, labels, library_version, make, on_tables, only, refuse

_PAIR = 2


def _chains(models: Any, method: str, recurse: Recurse) -> list[list[Step]]:
    return [on_tables(recurse(model, method)) for model in models]


def _weights(model: Any) -> dict[str, Any]:
    weights = model._weights_not_none
    return {} if weights is None else {"weights": np.asarray(weights)}


def _voting_classifier(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict", "predict_proba")
    if isinstance(model.le_, list):
        raise refuse(model, "several labels for a row")
    classes = model.le_.classes_
    if model.voting == "hard":
        only(model, method, "predict")
        chains = _chains(model.estimators_, "predict", recurse)
        return [make("vote", builder, {**_weights(model), "classes": classes}, chains)]
    chains = _chains(model.estimators_, "predict_proba", recurse)
    steps = [make("average", builder, _weights(model), chains)]
    if method == "predict":
        steps.append(make("labels", builder, {"classes": classes}))
    return steps


def _voting_regressor(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict")
    chains = _chains(model.estimators_, "predict", recurse)
    return [make("average_rows", builder, _weights(model), chains)]


def _stacking(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    is_classifier = hasattr(model, "classes_")
    methods = ("predict", "predict_proba", "decision_function") if is_classifier else ("predict",)
    only(model, method, *methods)
    if is_classifier and isinstance(model._label_encoder, list):
        raise refuse(model, "several labels for a row")
    pairs = list(zip(model.estimators_, model.stack_method_, strict=True))
    chains = [on_tables(recurse(part, wanted)) for part, wanted in pairs]
    is_binary = is_classifier and len(model.classes_) == _PAIR
    skipped = [int(is_binary and wanted == "predict_proba") for _, wanted in pairs]
    steps = [
        make("stack", None, None, chains, skipped=skipped, is_passthrough=bool(model.passthrough))
    ]
    with builder.part([]):
        steps += recurse(model.final_estimator_, method)
    if is_classifier and method == "predict":
        encoder = getattr(model, "_label_encoder", None) or model._le
        steps.append(make("decode", builder, {"classes": encoder.classes_}))
    return steps


def _ada_classifier(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict", "decision_function", "predict_proba", "predict_log_proba")
    if getattr(model, "algorithm", "SAMME") == "SAMME.R" or len(model.classes_) < _PAIR:
        raise refuse(model, "the algorithm SAMME.R, or a single class")
    chains = _chains(model.estimators_, "predict", recurse)
    arrays = {
        "weights": model.estimator_weights_[: len(chains)],
        "total": np.asarray(model.estimator_weights_.sum()),
        "classes": model.classes_,
    }
    steps = [*check(model), make("boost", builder, arrays, chains)]
    if method == "predict":
        return [*steps, labels(model, builder)]
    if method == "decision_function":
        return steps
    count = len(model.classes_)
    if count == _PAIR:
        steps.append(make("mirror", divisor=2.0))
    else:
        divisor = {"0": np.float64(count - 1)}
        steps.append(make("arithmetic", builder, divisor, do=["divide"]))
    steps.append(make("softmax"))
    return [*steps, make("elementwise", do=["log"])] if method == "predict_log_proba" else steps


def _ada_regressor(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict")
    chains = _chains(model.estimators_, "predict", recurse)
    return [*check(model), make("median", builder, {"weights": model.estimator_weights_}, chains)]


def _bagging(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    is_classifier = hasattr(model, "classes_")
    methods = ("predict", "predict_proba", "decision_function") if is_classifier else ("predict",)
    only(model, method, *methods)
    wanted = "predict_proba" if is_classifier and method == "predict" else method
    if is_classifier and not all(
        hasattr(part, wanted) and len(part.classes_) == len(model.classes_)
        for part in model.estimators_
    ):
        raise refuse(model, "votes, or estimators that know only some of the classes")
    every = np.arange(model.n_features_in_)
    arrays, chains = {}, []
    for index, (part, features) in enumerate(
        zip(model.estimators_, model.estimators_features_, strict=True)
    ):
        with builder.part(features.tolist()):
            chains.append(recurse(part, wanted))
        if not np.array_equal(features, every):
            arrays[str(index)] = features
    steps = [
        *check(model, allow_nan=True, allow_infinity=True),
        make("sum_mean", builder, arrays, chains),
    ]
    return [*steps, labels(model, builder)] if is_classifier and method == "predict" else steps


def _one_against_rest(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict", "predict_proba", "decision_function")
    if model.multilabel_ or len(model.estimators_) == 1:
        raise refuse(model, "several labels for a row, or two classes")
    has_scores = hasattr(model.estimators_[0], "decision_function")
    if method == "predict_proba":
        chains = _chains(model.estimators_, "predict_proba", recurse)
        outputs = make("outputs", None, None, [[*one, make("column", index=1)] for one in chains])
        empty = "zero" if library_version() >= (1, 7) else "nan"
        return [outputs, make("shares", empty=empty)]
    wanted = "decision_function" if has_scores else "predict_proba"
    chains = _chains(model.estimators_, wanted, recurse)
    if not has_scores:
        only(model, method, "predict")
        chains = [[*one, make("column", index=1)] for one in chains]
    steps = [make("outputs", None, None, chains)]
    if method == "predict":
        is_last = library_version() < (1, 8)
        steps.append(make("labels", builder, {"classes": model.classes_}, is_last=is_last))
    return steps


def _multi_output(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict")
    return [make("outputs", None, None, _chains(model.estimators_, "predict", recurse))]


def _calibrated(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict", "predict_proba")
    chains = [
        [_calibration(model, part, builder, recurse)] for part in model.calibrated_classifiers_
    ]
    steps = [make("sum_mean", builder, {}, chains)]
    return [*steps, labels(model, builder)] if method == "predict" else steps


def _calibration(model: Any, part: Any, builder: Builder, recurse: Recurse) -> Step:
    if part.method not in ("sigmoid", "isotonic"):
        raise refuse(model, f"the method {part.method}")
    estimator = getattr(part, "estimator", None) or part.base_estimator
    is_scored = hasattr(estimator, "decision_function")
    chain = on_tables(recurse(estimator, "decision_function" if is_scored else "predict_proba"))
    classes = list(part.classes)
    columns = [classes.index(one) for one in estimator.classes_]
    if len(classes) == _PAIR:
        columns = [1]
        if not is_scored:
            chain = [*chain, make("column", index=1)]
    arrays: dict[str, Any] = {}
    for index, curve in enumerate(part.calibrators):
        if part.method == "sigmoid":
            arrays[f"slope_{index}"] = np.float64(curve.a_)
            arrays[f"offset_{index}"] = np.float64(curve.b_)
        else:
            arrays[f"x_{index}"] = curve.X_thresholds_
            arrays[f"y_{index}"] = curve.y_thresholds_
    kinds = [part.method] * len(part.calibrators)
    return make(
        "calibrate", builder, arrays, [chain], kinds=kinds, columns=columns, classes=len(classes)
    )


def _threshold(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    if method != "predict":
        return recurse(model.estimator_, method)
    scorer = getattr(model, "_curve_scorer", None)
    positive = model.pos_label if scorer is None else scorer._get_pos_label()
    if positive is not None and positive != model.classes_[1]:
        raise refuse(model, "the first class as the positive one")
    can_tell = hasattr(model.estimator_, "predict_proba")
    is_share = can_tell and model.response_method != "decision_function"
    steps = recurse(model.estimator_, "predict_proba" if is_share else "decision_function")
    if is_share:
        steps = [*steps, make("column", index=1)]
    threshold = getattr(model, "best_threshold_", None)
    if threshold is None:
        automatic = 0.5 if is_share else 0.0
        threshold = automatic if model.threshold == "auto" else model.threshold
    arrays = {"classes": model.classes_}
    return [*steps, make("at_least", builder, arrays, threshold=float(threshold))]


_ENSEMBLE = "sklearn.ensemble."
_TUNING = "sklearn.model_selection._classification_threshold."
CONVERTERS: dict[str, Convert] = {
    _ENSEMBLE + "_voting.VotingClassifier": _voting_classifier,
    _ENSEMBLE + "_voting.VotingRegressor": _voting_regressor,
    _ENSEMBLE + "_stacking.StackingClassifier": _stacking,
    _ENSEMBLE + "_stacking.StackingRegressor": _stacking,
    _ENSEMBLE + "_weight_boosting.AdaBoostClassifier": _ada_classifier,
    _ENSEMBLE + "_weight_boosting.AdaBoostRegressor": _ada_regressor,
    _ENSEMBLE + "_bagging.BaggingClassifier": _bagging,
    _ENSEMBLE + "_bagging.BaggingRegressor": _bagging,
    "sklearn.multiclass.OneVsRestClassifier": _one_against_rest,
    "sklearn.multioutput.MultiOutputClassifier": _multi_output,
    "sklearn.multioutput.MultiOutputRegressor": _multi_output,
    _TUNING + "FixedThresholdClassifier": _threshold,
    _TUNING + "TunedThresholdClassifierCV": _threshold,
    "sklearn.calibration.CalibratedClassifierCV": _calibrated,
}
