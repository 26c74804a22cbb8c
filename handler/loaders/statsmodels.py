"""Loads statsmodels' results, as `mlflow.statsmodels` (MLflow 3.18) does."""

import sys
from pathlib import Path
from typing import Any

from handler.errors import ModelRefusal
from handler.loaders.objects import read_object, warnings_in_the_log
from handler.manifest import ModelInfo

# MLflow's words: clients may know them.
_ONE_ROW = (
    "prediction dataframes for a TimeSeriesModel must have exactly one row"
    " and include columns called start and end"
)


class StatsmodelsPredictor:
    """The results of a fit."""

    def __init__(self, results: Any) -> None:
        self.model = results
        """The results."""

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return the predictions; MLflow's wrapper ignores params.

        :param data: for a time series a DataFrame of one row, whose columns `start` and `end`
            say for which part of it; both are included.
        :raises ModelRefusal: another DataFrame for a time series.
        """
        if not _is_time_series(self.model.model):
            return self.model.predict(data)
        if data.shape[0] != 1 or not ("start" in data.columns and "end" in data.columns):
            raise ModelRefusal(_ONE_ROW)
        return self.model.predict(start=data["start"][0], end=data["end"][0])


def load(folder: Path, info: ModelInfo) -> StatsmodelsPredictor:
    """Return the results that were pickled."""
    with warnings_in_the_log(info.data_path):
        return StatsmodelsPredictor(read_object(folder / info.data_path, info))


def _is_time_series(model: Any) -> bool:
    # A module that nobody has imported cannot have made the model.
    module = sys.modules.get("statsmodels.tsa.base.tsa_model")
    return module is not None and isinstance(model, module.TimeSeriesModel)
