"""Python models as MLflow has them and as a bundle would, side by side."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import pandas as pd

from handler.loaders.load import load_model
from handler.requests.model_errors import as_handler_error
from packager.model.mlmodel import read_mlmodel
from tests.support.without_mlflow import Modules, without_mlflow

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mlflow.pyfunc


FRAME = pd.DataFrame({"a": [1.5, -2.0], "b": [3.0, 0.25]})


class Twins:
    """A saved model, as MLflow has it and as a bundle would."""

    def __init__(self, folder: Path) -> None:
        self.info = read_mlmodel(folder).info
        forget_classes()
        self.judge = mlflow.pyfunc.load_model(str(folder))
        self._modules: Modules = {}
        forget_classes()
        with without_mlflow(self._modules):
            self.ours = load_model(folder, self.info)

    def answers(self, data: Any, params: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Return MLflow's outcome and ours."""
        with without_mlflow(self._modules):
            ours = outcome(self.ours.predict, data, params)
        return outcome(self.judge.predict, data, params), ours


def forget_classes() -> None:
    """Let the next pickle make its classes anew: cloudpickle knows again those of this process."""
    cloudpickle.cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID.clear()
    cloudpickle.cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS.clear()


def outcome(predict: Callable[..., Any], data: Any, params: dict[str, Any] | None) -> Any:
    """Return what can be compared of a prediction or an error."""
    try:
        answer = predict(data, params)
    except Exception as error:
        return type(error).__name__, json.loads(as_handler_error(error).to_json())
    if hasattr(answer, "to_dict"):
        answer = answer.to_dict()
    return repr(answer)


def save(folder: Path, model: Any, **how: Any) -> Path:
    mlflow.pyfunc.save_model(folder, python_model=model, pip_requirements=["pandas"], **how)
    return folder
