"""Loads scikit-learn models: the formats of `mlflow.sklearn`, and joblib for bare files."""

import inspect
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from handler.errors import ModelLoadError
from handler.loaders.forest import direct
from handler.loaders.jobs import run_one_by_one
from handler.loaders.objects import read_object, warnings_in_the_log
from handler.manifest import ModelInfo
from handler.threads import vcpus


class SklearnPredictor:
    """An estimator behind the method that the model was logged with."""

    def __init__(
        self,
        estimator: Any,
        method: Callable[..., Any],
        *,
        takes_params: bool = False,
        is_direct: bool = False,
    ) -> None:
        self.model = estimator
        self._method = method
        self._takes_params = takes_params
        self.is_direct = is_direct
        """Whether a forest's trees are asked one by one."""

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return what the estimator's method returns."""
        if self._takes_params:
            return self._method(data, params=params)
        return self._method(data)


def load(folder: Path, info: ModelInfo) -> SklearnPredictor:
    """Return the estimator, bound to `info.predict_fn`.

    :raises ModelLoadError: the file holds types that are not trusted, or an object without
        the method.
    """
    with warnings_in_the_log(info.data_path):
        estimator = read_object(folder / info.data_path, info)
    method = getattr(estimator, info.predict_fn, None)
    if not callable(method):
        raise ModelLoadError(
            f"{info.data_path} holds a {type(estimator).__name__}, which has no method"
            f" {info.predict_fn!r}"
        )
    if info.engine.input_kind == "array":
        # The build has compared: without them the predictions are the same.
        warnings.filterwarnings("ignore", "X does not have valid feature names")
    if vcpus(os.environ) == 1:
        run_one_by_one(estimator)
    shorter = direct(estimator, info.predict_fn) if info.engine.is_direct else None
    if shorter is not None:
        return SklearnPredictor(estimator, shorter, is_direct=True)
    takes_params = _takes_params(method, info.predict_fn)
    return SklearnPredictor(estimator, method, takes_params=takes_params)


def _takes_params(method: Callable[..., Any], name: str) -> bool:
    # mlflow.sklearn's wrapper drops params on the way to `predict`, and hands them to any
    # other method that names such a parameter.
    if name == "predict":
        return False
    try:
        parameter = inspect.signature(method).parameters.get("params")
    except (TypeError, ValueError):
        return False
    return parameter is not None and parameter.kind is not inspect.Parameter.VAR_KEYWORD
