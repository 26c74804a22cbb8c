"""statsmodels' results predict as under MLflow: regressions and time series."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow.statsmodels
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from statsmodels.tsa.arima.model import ARIMA

from handler.errors import ModelRefusal
from tests.support.mlflow_twins import Twins, labels, save_and_load, table

FRAME = table()
DAYS = pd.date_range("2024-01-01", periods=60, freq="D")
WALK = np.random.default_rng(3).normal(size=60).cumsum()

REGRESSIONS: dict[str, Callable[[], Any]] = {
    "OLS": lambda: sm.OLS(FRAME["a"] * FRAME["c"], FRAME).fit(),
    "a formula": lambda: smf.ols("a ~ b + np.exp(c)", FRAME).fit(),
    "GLM": lambda: sm.GLM(labels(FRAME), FRAME, family=sm.families.Binomial()).fit(),
}


def load(results: Any, folder: Path, example: pd.DataFrame | None = None) -> Twins:
    def save(folder: Path) -> None:
        signature = None if example is None else infer_signature(example, np.asarray([0.5]))
        mlflow.statsmodels.save_model(
            results, folder, signature=signature, pip_requirements=["statsmodels"]
        )

    return save_and_load(save, folder)


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_regression_predicts_as_under_mlflow(tmp_path: Path, name: str) -> None:
    twins = load(REGRESSIONS[name](), tmp_path / "model", FRAME)

    twins.assert_alike(table(seed=1))
    twins.assert_answers_alike(table(seed=1))
    assert twins.info.executes_code


@pytest.mark.parametrize(
    ("series", "start", "end"),
    [
        (WALK, 50, 70),
        (pd.Series(WALK, index=DAYS), pd.Timestamp("2024-02-20"), pd.Timestamp("2024-03-09")),
    ],
)
def test_a_time_series_is_forecast_from_start_to_end_as_under_mlflow(
    tmp_path: Path, series: Any, start: Any, end: Any
) -> None:
    period = pd.DataFrame({"start": [start], "end": [end]})
    twins = load(ARIMA(series, order=(1, 1, 0)).fit(), tmp_path / "model", period)

    twins.assert_alike(period)
    # Imported here: it brings the whole of MLflow, whose warnings have passed by now.
    from mlflow.pyfunc.scoring_server import predictions_to_json

    expected = io.StringIO()
    predictions_to_json(twins.judge.predict(period), expected)
    document = {"dataframe_split": json.loads(period.to_json(orient="split", date_format="iso"))}
    answer = twins.scorer.score(json.dumps(document).encode(), "application/json")
    assert answer.body.decode() == expected.getvalue()


@pytest.mark.parametrize(
    "period",
    [
        pd.DataFrame({"start": [1, 2], "end": [3, 4]}),
        pd.DataFrame({"start": [1], "stop": [3]}),
        pd.DataFrame({"start": [], "end": []}),
    ],
)
def test_anything_but_one_period_is_refused_in_mlflows_words(
    tmp_path: Path, period: pd.DataFrame
) -> None:
    twins = load(ARIMA(WALK, order=(1, 0, 0)).fit(), tmp_path / "model")

    with pytest.raises(MlflowException) as theirs:
        twins.judge.predict(period)
    with pytest.raises(ModelRefusal) as ours:
        twins.ours.predict(period, None)
    assert str(ours.value) == theirs.value.message
    assert ours.value.status == theirs.value.get_http_status_code()
    assert json.loads(ours.value.to_json()) == json.loads(theirs.value.serialize_as_json())
