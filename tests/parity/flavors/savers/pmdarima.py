"""Forecasts of pmdarima, without and with intervals and other series."""

from pathlib import Path
from typing import Any

import mlflow.pmdarima
import numpy as np
import pandas as pd
import pmdarima
from mlflow.models import infer_signature

REQUIREMENTS = (
    "numpy==2.2.6",
    "pandas==2.3.2",
    "pmdarima==2.1.1",
    "scikit-learn==1.7.2",
    "scipy==1.16.3",
    "statsmodels==0.14.6",
)
IS_HEAVY = True


def rows(variant: str, count: int, seed: int) -> list[pd.DataFrame]:
    random = np.random.default_rng(seed)
    return [_request(variant, int(n), random) for n in random.integers(1, 30, count)]


def _request(variant: str, periods: int, random: np.random.Generator) -> pd.DataFrame:
    """A request for a forecast: MLflow takes one row."""
    frame = pd.DataFrame({"n_periods": [periods]})
    if variant == "interval":
        frame["return_conf_int"] = True
        frame["alpha"] = random.uniform(0.01, 0.5)
    if variant == "exogenous":
        frame["X"] = [random.normal(size=(periods, 2)).tolist()]
    return frame


def _save(variant: str, model: Any, answer: pd.DataFrame, folder: Path) -> None:
    example = _request(variant, 5, np.random.default_rng(1))
    mlflow.pmdarima.save_model(
        model,
        folder,
        signature=infer_signature(example, answer),
        input_example=example,
        pip_requirements=list(REQUIREMENTS),
    )


def _walk() -> np.ndarray:
    return np.random.default_rng(3).normal(size=120).cumsum()


def _forecast(folder: Path) -> None:
    model = pmdarima.auto_arima(_walk(), max_p=2, max_q=2, seasonal=False)
    _save("forecast", model, pd.DataFrame({"yhat": model.predict(5)}), folder)


def _interval(folder: Path) -> None:
    model = pmdarima.ARIMA(order=(1, 1, 1)).fit(_walk())
    answer = pd.DataFrame(dict.fromkeys(["yhat", "yhat_lower", "yhat_upper"], model.predict(5)))
    _save("interval", model, answer, folder)


def _exogenous(folder: Path) -> None:
    others = np.random.default_rng(4).normal(size=(120, 2))
    model = pmdarima.ARIMA(order=(1, 0, 0)).fit(_walk() + others.sum(axis=1), X=others)
    answer = pd.DataFrame({"yhat": model.predict(5, X=others[:5])})
    _save("exogenous", model, answer, folder)


MODELS = {
    "forecast": _forecast,
    "interval": _interval,
    "exogenous": _exogenous,
}
