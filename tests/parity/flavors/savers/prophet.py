"""Prophet's forecasts, without and with its random intervals, holidays and other series."""

from pathlib import Path

import mlflow.prophet
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, Schema
from prophet import Prophet

REQUIREMENTS = (
    "numpy==2.2.6",
    "pandas==2.3.2",
    "prophet==1.3.0",
)
IS_HEAVY = True
TOLERANCE = {
    "intervals": (0.5, "Prophet draws the bounds of yhat and trend anew for each request"),
}
TOLERATED_KEYS = {"intervals": ("yhat_lower", "yhat_upper", "trend_lower", "trend_upper")}
DAYS = pd.date_range("2023-01-01", periods=500, freq="D")


def rows(variant: str, count: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"ds": DAYS[0] + pd.to_timedelta(random.integers(0, 800, count), "D")})
    return frame.assign(promotion=random.normal(size=count)) if variant == "intervals" else frame


def _save(variant: str, model: Prophet, folder: Path) -> None:
    frame = pd.DataFrame({"ds": DAYS, "promotion": np.random.default_rng(1).normal(size=500)})
    noise = np.random.default_rng(2).normal(size=500)
    frame["y"] = np.linspace(0, 5, 500) + np.sin(np.arange(500) * 2 * np.pi / 7) + noise / 5
    model.fit(frame.assign(y=frame["y"] + frame["promotion"]))
    example = rows(variant, 3, seed=3)
    types = {"ds": "datetime", "promotion": "double"}
    mlflow.prophet.save_model(
        model,
        folder,
        signature=ModelSignature(Schema([ColSpec(types[name], name) for name in example])),
        input_example=example,
        pip_requirements=list(REQUIREMENTS),
    )


def _forecast(folder: Path) -> None:
    model = Prophet(uncertainty_samples=0)
    model.add_country_holidays("AT")
    _save("forecast", model, folder)


def _intervals(folder: Path) -> None:
    model = Prophet()
    model.add_regressor("promotion")
    _save("intervals", model, folder)


MODELS = {
    "forecast": _forecast,
    "intervals": _intervals,
}
