"""Regressions of statsmodels, from arrays and from formulas, and its time series."""

from pathlib import Path
from typing import Any

import mlflow.statsmodels
import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from mlflow.models import infer_signature
from statsmodels.tsa.arima.model import ARIMA

REQUIREMENTS = (
    "numpy==2.2.6",
    "pandas==2.3.2",
    "patsy==1.0.3",
    "scipy==1.16.3",
    "statsmodels==0.14.6",
)
DAYS = pd.date_range("2024-01-01", periods=300, freq="D")


def rows(variant: str, count: int, seed: int) -> pd.DataFrame | list[pd.DataFrame]:
    random = np.random.default_rng(seed)
    if variant in ("arima", "dates"):
        starts = random.integers(0, 320, count)
        ends = starts + random.integers(0, 40, count)
        return [_period(variant, *pair) for pair in zip(starts, ends, strict=True)]
    frame = pd.DataFrame(random.normal(size=(count, 3)), columns=["height", "width", "depth"])
    return frame.assign(city=random.choice(["Graz", "Wien"], count)) if variant == "glm" else frame


def _period(variant: str, start: int, end: int) -> pd.DataFrame:
    """A request for a part of a series: MLflow takes one row."""
    if variant == "arima":
        return pd.DataFrame({"start": [start], "end": [end]})
    first = DAYS[0]
    return pd.DataFrame({"start": [first + start * DAYS.freq], "end": [first + end * DAYS.freq]})


def _save(results: Any, example: pd.DataFrame, answer: Any, folder: Path) -> None:
    mlflow.statsmodels.save_model(
        results,
        folder,
        signature=infer_signature(example, answer),
        input_example=example,
        pip_requirements=list(REQUIREMENTS),
    )


def _ols(folder: Path) -> None:
    frame = rows("ols", 300, seed=1)
    results = sm.OLS(frame["height"] + frame["width"] ** 2, frame).fit()
    _save(results, frame.head(3), results.predict(frame), folder)


def _glm(folder: Path) -> None:
    frame = rows("glm", 300, seed=1)
    random = np.random.default_rng(2).normal(size=300)
    frame["tall"] = (frame["height"] + (frame["city"] == "Wien") + random > 0).astype(int)
    formula = "tall ~ height + np.exp(width) + C(city)"
    results = smf.glm(formula, frame, family=sm.families.Binomial()).fit()
    frame = frame.drop(columns="tall")
    _save(results, frame.head(3), results.predict(frame), folder)


def _walk() -> np.ndarray:
    return np.random.default_rng(3).normal(size=300).cumsum()


def _arima(folder: Path) -> None:
    results = ARIMA(_walk(), order=(2, 1, 1)).fit()
    _save(results, _period("arima", 290, 310), results.predict(290, 310), folder)


def _dates(folder: Path) -> None:
    series = pd.Series(_walk(), index=DAYS)
    results = ARIMA(series, order=(1, 1, 0), seasonal_order=(1, 0, 0, 7)).fit()
    _save(results, _period("dates", 290, 310), results.predict(290, 310), folder)


MODELS = {
    "ols": _ols,
    "glm": _glm,
    "arima": _arima,
    "dates": _dates,
}
