"""Loads pmdarima's models and pipelines, as `mlflow.pmdarima` (MLflow 3.18) does."""

from pathlib import Path
from typing import Any

from handler.errors import ModelRefusal
from handler.loaders.objects import read_object, warnings_in_the_log
from handler.manifest import ModelInfo

# MLflow's words: clients may know them.
_ONE_ROW = "The provided prediction pd.DataFrame contains {} rows. Only 1 row should be supplied."
_NO_PERIODS = (
    "The provided prediction configuration pd.DataFrame columns ({}) do not contain the required"
    " column `n_periods` for specifying future prediction periods to generate."
)
_NO_INTEGER = "The provided `n_periods` value {} must be an integer.provided type: {}"


class PmdarimaPredictor:
    """A model that forecasts a time series."""

    def __init__(self, model: Any) -> None:
        self.model = model
        """The model or pipeline."""

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return a DataFrame with `yhat`, and on demand with `yhat_lower` and `yhat_upper`.

        MLflow's wrapper ignores params. It would warn that pmdarima before 1.8 knows no `X`:
        there is no such version for Lambda's runtimes.

        :param data: a DataFrame of one row: `n_periods`, the number of steps to forecast, and
            possibly `X`, `return_conf_int` and `alpha`.
        :raises ModelRefusal: it has more rows, or no whole `n_periods`.
        """
        # Imported here: the model's file has imported it by now.
        import pandas as pd

        columns = data.columns.values.tolist()
        row = _only_row(data)
        wants_interval = row.get("return_conf_int", False)
        predicted = self.model.predict(
            n_periods=_periods(row, columns),
            X=row.get("X", None),
            return_conf_int=wants_interval,
            alpha=row.get("alpha", 0.05),
        )
        if not wants_interval:
            return pd.DataFrame.from_dict({"yhat": predicted})
        lower, upper = zip(*predicted[1], strict=False)
        return pd.DataFrame.from_dict(
            {"yhat": predicted[0], "yhat_lower": lower, "yhat_upper": upper}
        )


def load(folder: Path, info: ModelInfo) -> PmdarimaPredictor:
    """Return the model that was pickled."""
    with warnings_in_the_log(info.data_path):
        return PmdarimaPredictor(read_object(folder / info.data_path, info))


def _only_row(data: Any) -> dict[str, Any]:
    if len(data) > 1:
        raise ModelRefusal.invalid_parameter(_ONE_ROW.format(len(data)))
    row: dict[str, Any] = data.to_dict(orient="index").get(0)
    return row


def _periods(row: dict[str, Any], columns: list[Any]) -> int:
    periods = row.get("n_periods")
    if not periods:
        raise ModelRefusal.invalid_parameter(_NO_PERIODS.format(columns))
    if not isinstance(periods, int):
        raise ModelRefusal.invalid_parameter(_NO_INTEGER.format(periods, type(periods)))
    return periods
