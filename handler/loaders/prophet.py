"""Loads Prophet's forecasters, as `mlflow.prophet` (MLflow 3.18) does."""

import json
import logging
from pathlib import Path
from typing import Any

from handler.loaders.objects import warnings_in_the_log
from handler.manifest import ModelInfo

# While it is imported Prophet logs as errors that it cannot draw: matplotlib is not in the bundle.
logging.getLogger("prophet.plot").setLevel(logging.CRITICAL)
from prophet import Prophet  # noqa: E402
from prophet.serialize import model_from_json  # noqa: E402


class ProphetPredictor:
    """A forecaster that has been fitted."""

    def __init__(self, forecaster: Prophet) -> None:
        self._forecaster = forecaster

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return a DataFrame: `ds`, `yhat` and what it is made of; MLflow's wrapper ignores params.

        :param data: a DataFrame with the dates `ds`, and what the model was fitted with besides.
        """
        return self._forecaster.predict(data)


def load(folder: Path, info: ModelInfo) -> ProphetPredictor:
    """Return the forecaster: MLflow's file holds Prophet's JSON as a JSON string."""
    # Every Prophet makes itself ready to be fitted, by starting Stan's program. That takes a
    # tenth of a second and a package, and no forecast uses it.
    Prophet._load_stan_backend = lambda self, stan_backend: None
    with warnings_in_the_log(info.data_path):
        text = (folder / info.data_path).read_text()
        return ProphetPredictor(model_from_json(json.loads(text)))
