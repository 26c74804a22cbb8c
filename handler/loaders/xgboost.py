"""Loads XGBoost models, as `mlflow.xgboost` (MLflow 3.18) does."""

import importlib
import inspect
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import xgboost

from handler.loaders.objects import warnings_in_the_log
from handler.manifest import ModelInfo

_logger = logging.getLogger(__name__)


class XgboostPredictor:
    """A Booster, or an estimator of XGBoost's scikit-learn interface."""

    def __init__(self, model: Any) -> None:
        self.model = model
        """The Booster or estimator."""
        self._predict = _predict_function(model)
        # Those of a Booster's own method: what wraps it takes any.
        self._accepted = model.predict if isinstance(model, xgboost.Booster) else self._predict

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return what the model predicts; params that it does not know are left out."""
        return self._predict(data, **_known_params(self._accepted, params or {}))


def load(folder: Path, info: ModelInfo) -> XgboostPredictor:
    """Return the model, in the class that it was logged with."""
    module, _, name = info.options["model_class"].rpartition(".")
    with warnings_in_the_log(info.data_path):
        model = getattr(importlib.import_module(module), name)()
        model.load_model(str(folder / info.data_path))
    return XgboostPredictor(model)


def _predict_function(model: Any) -> Callable[..., Any]:
    if isinstance(model, xgboost.Booster):

        def predict(data: Any, **params: Any) -> Any:
            return model.predict(xgboost.DMatrix(data), validate_features=True, **params)

        return predict
    if isinstance(model, xgboost.XGBModel):
        return partial(model.predict, validate_features=True)
    method: Callable[..., Any] = model.predict
    return method


def _known_params(function: Callable[..., Any], params: dict[str, Any]) -> dict[str, Any]:
    accepted = inspect.signature(function).parameters
    if any(item.kind in (item.VAR_POSITIONAL, item.VAR_KEYWORD) for item in accepted.values()):
        return params
    unknown = params.keys() - accepted.keys()
    if unknown:
        _logger.warning("the model does not take these params: %s", ", ".join(sorted(unknown)))
    return {name: value for name, value in params.items() if name in accepted}
