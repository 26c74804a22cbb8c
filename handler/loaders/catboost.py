"""Loads CatBoost models, as `mlflow.catboost` (MLflow 3.18) does."""

import os
from pathlib import Path
from typing import Any

import catboost

from handler.loaders.objects import warnings_in_the_log
from handler.manifest import ModelInfo
from handler.threads import vcpus


class CatboostPredictor:
    """A model of CatBoost: the base class, a classifier, a regressor or a ranker."""

    def __init__(self, model: Any) -> None:
        self.model = model
        # CatBoost counts processors itself, and finds more than the function has the time of.
        # Threads share out the rows: their number changes no prediction.
        self._threads = vcpus(os.environ) or -1

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return what the model predicts; MLflow's wrapper ignores params."""
        return self.model.predict(data, thread_count=self._threads)


def load(folder: Path, info: ModelInfo) -> CatboostPredictor:
    """Return the model, in the class that it was logged with: `options["model_type"]`."""
    with warnings_in_the_log(info.data_path):
        model = getattr(catboost, info.options["model_type"])()
        model.load_model(str(folder / info.data_path), info.serialization_format)
    return CatboostPredictor(model)
