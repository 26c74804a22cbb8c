"""Conversion by treelite or by skl2onnx, for a user who asks for one of them by name."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .builder import Builder, NotConvertible, Step
from .steps_common import check, make
from .trees_sklearn import checked


def _by_treelite(model: Any, method: str, builder: Builder) -> list[Step]:
    """Return the steps of a tree ensemble, computed by treelite's GTIL."""
    library = type(model).__module__.partition(".")[0]
    if library not in _TREELITE_IMPORTS:
        raise NotConvertible(f"treelite takes no {type(model).__name__}")
    try:
        imported = _TREELITE_IMPORTS[library](model)
    except Exception as error:  # treelite's own, and whatever a damaged or odd model causes
        raise NotConvertible(f"treelite does not take it: {error}") from error
    serialized = np.frombuffer(imported.serialize_bytes(), np.uint8)
    thresholds = "float32" if library == "xgboost" else "float64"
    return [
        *(checked(model, method) if library == "sklearn" else [make("matrix")]),
        make("treelite", builder, {"model": serialized}, dtype=thresholds),
        *_answer(model, method, builder),
    ]


def _answer(model: Any, method: str, builder: Builder) -> list[Step]:
    """Return what makes the method's answer of GTIL's rows x outputs."""
    classes = getattr(model, "classes_", None)
    if classes is None:
        if method != "predict":
            raise NotConvertible(f"treelite computes no {method}")
        return [make("ravel")]
    # Of two classes boosted trees give one probability, forests both.
    is_forest = type(model).__module__ in ("sklearn.ensemble._forest", "sklearn.tree._classes")
    is_single = len(classes) == 2 and not is_forest
    flat = [make("ravel")] if is_single else []
    if method == "predict":
        return [*flat, make("labels", builder, {"classes": classes}, threshold=0.5)]
    if method == "predict_proba":
        return [*flat, make("pair")] if is_single else []
    raise NotConvertible(f"treelite computes no {method}")


def _from_sklearn(model: Any) -> Any:
    import treelite

    return treelite.sklearn.import_model(model)


def _from_xgboost(model: Any) -> Any:
    import treelite

    booster = model if type(model).__name__ == "Booster" else model.get_booster()
    return treelite.frontend.from_xgboost_json(bytes(booster.save_raw("json")))


def _from_lightgbm(model: Any) -> Any:
    import treelite

    booster = model if type(model).__name__ == "Booster" else model.booster_
    return treelite.frontend.from_lightgbm(booster)


_TREELITE_IMPORTS = {"sklearn": _from_sklearn, "xgboost": _from_xgboost, "lightgbm": _from_lightgbm}


def _by_onnx(model: Any, method: str, builder: Builder) -> list[Step]:
    """Return the step of an estimator or pipeline, computed by ONNX Runtime."""
    import skl2onnx
    from skl2onnx.common.data_types import DoubleTensorType

    if method not in ("predict", "predict_proba"):
        raise NotConvertible(f"skl2onnx converts no {method}")
    classes = getattr(model, "classes_", None)
    # Where an operator knows float32 only, its thresholds and results are rounded to that.
    given = [("X", DoubleTensorType([None, int(model.n_features_in_)]))]
    options = None if classes is None else {id(model): {"zipmap": False}}
    try:
        converted = skl2onnx.convert_sklearn(model, initial_types=given, options=options)
    except Exception as error:  # of many kinds
        raise NotConvertible(f"skl2onnx does not take it: {error}") from error
    is_label = classes is not None and method == "predict"
    return [
        *check(model, "float64"),
        make(
            "onnx",
            builder,
            {"model": np.frombuffer(converted.SerializeToString(), np.uint8)},
            dtype="float64",
            output=0 if method == "predict" else 1,
            result_dtype=np.asarray(classes).dtype.str if is_label else "<f8",
            is_flat=method == "predict" and getattr(model, "n_outputs_", 1) <= 1,
        ),
    ]


FOREIGN: dict[str, Callable[[Any, str, Builder], list[Step]]] = {
    "treelite": _by_treelite,
    "onnx": _by_onnx,
}
"""By engine what makes a program's steps: of the model, the method that is wanted, and where
arrays go.

:raises NotConvertible: each of them, with a sentence that says why.
"""
