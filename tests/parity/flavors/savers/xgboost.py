"""XGBoost's Booster in both of its formats, and its scikit-learn class."""

from pathlib import Path
from typing import Any

import mlflow.xgboost
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import infer_signature

REQUIREMENTS = (
    "numpy==2.2.6",
    "pandas==2.3.2",
    "scikit-learn==1.7.2",
    "scipy==1.16.3",
    "xgboost-cpu==3.0.5",
)
# As MLflow records them of a user who has the ordinary XGBoost.
RECORDED = [line.replace("xgboost-cpu", "xgboost") for line in REQUIREMENTS]


def rows(variant: str, count: int, seed: int) -> pd.DataFrame:
    values = np.random.default_rng(seed).normal(size=(count, 4))
    return pd.DataFrame(values, columns=[f"feature_{number}" for number in range(4)])


def _save(variant: str, model: Any, folder: Path, predictions: Any, **how: Any) -> None:
    frame = rows(variant, 300, seed=1)
    mlflow.xgboost.save_model(
        model,
        folder,
        signature=infer_signature(frame, predictions),
        input_example=frame.head(3),
        pip_requirements=RECORDED,
        **how,
    )


def _labels(frame: pd.DataFrame) -> Any:
    return (frame["feature_0"] * frame["feature_1"] > 0).astype(int)


def _booster(variant: str, folder: Path) -> None:
    frame = rows(variant, 300, seed=1)
    data = xgboost.DMatrix(frame, _labels(frame))
    model = xgboost.train({"objective": "binary:logistic"}, data, num_boost_round=20)
    _save(variant, model, folder, model.predict(data), model_format=variant)


def _ubj(folder: Path) -> None:
    _booster("ubj", folder)


def _json(folder: Path) -> None:
    _booster("json", folder)


def _classifier(folder: Path) -> None:
    frame = rows("classifier", 300, seed=1)
    model = xgboost.XGBClassifier(n_estimators=20).fit(frame, _labels(frame))
    _save("classifier", model, folder, model.predict(frame))


MODELS = {"ubj": _ubj, "json": _json, "classifier": _classifier}
