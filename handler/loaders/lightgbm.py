"""Loads LightGBM models, as `mlflow.lightgbm` (MLflow 3.18) does."""

from pathlib import Path
from typing import Any

from handler.loaders.objects import read_object, warnings_in_the_log
from handler.manifest import ModelInfo
from handler.predictor import is_frame


class LightgbmPredictor:
    """A Booster, or an estimator of LightGBM's scikit-learn interface."""

    def __init__(self, model: Any) -> None:
        self.model = model
        """The Booster or estimator."""
        booster = getattr(model, "booster_", model)
        self._categories = list(booster.pandas_categorical or ())

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return what the model predicts; MLflow's wrapper ignores params."""
        return self.model.predict(self._with_categories(data))

    def _with_categories(self, data: Any) -> Any:
        # Where it was fitted on pandas categories LightGBM takes nothing but these, which no
        # request can carry: the text columns become the Booster's own, in its order.
        if not self._categories or not is_frame(data):
            return data
        texts = [name for name, dtype in data.dtypes.items() if dtype.kind not in "biufcmM"]
        if len(texts) != len(self._categories) or not data.columns.is_unique:
            return data  # LightGBM says what is wrong with it

        import pandas as pd

        pairs = zip(texts, self._categories, strict=True)
        return data.astype({name: pd.CategoricalDtype(values) for name, values in pairs})


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
