"""Loads LightGBM models, as `mlflow.lightgbm` (MLflow 3.18) does."""

from pathlib import Path
from typing import Any

from handler.loaders.objects import read_object, warnings_in_the_log
from handler.manifest import ModelInfo


class LightgbmPredictor:
    """A Booster, or an estimator of LightGBM's scikit-learn interface."""

    def __init__(self, model: Any) -> None:
        self.model = model
        """The Booster or estimator."""

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return what the model predicts; MLflow's wrapper ignores params."""
        return self.model.predict(data)


def load(folder: Path, info: ModelInfo) -> LightgbmPredictor:
    """Return the model: a Booster from LightGBM's own text, any other from its object's file.

    :raises ModelLoadError: a skops file holds types that the model does not trust.
    """
    path = folder / info.data_path
    with warnings_in_the_log(info.data_path):
        if info.serialization_format != "lgb":
            return LightgbmPredictor(read_object(path, info))
        # Imported here: an object's file imports what it needs itself.
        import lightgbm

        return LightgbmPredictor(lightgbm.Booster(model_file=str(path)))
