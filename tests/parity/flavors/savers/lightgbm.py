"""LightGBM's Booster, and its scikit-learn class in two formats."""

from pathlib import Path
from typing import Any

import lightgbm
import mlflow.lightgbm
import numpy as np
import pandas as pd
from mlflow.models import infer_signature

REQUIREMENTS = (
    "cloudpickle==3.1.1",
    "lightgbm==3.3.5",  # the last whose wheel loads with glibc 2.26
    "numpy==1.26.4",
    "pandas==2.3.2",
    "scikit-learn==1.7.2",
    "scipy==1.15.3",
    "skops==0.13.0",
)
# What skops may construct of a fitted LGBMClassifier.
TRUSTED = [
    "collections.OrderedDict",
    "collections.defaultdict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "numpy.dtype",
]


def rows(variant: str, count: int, seed: int) -> pd.DataFrame:
    values = np.random.default_rng(seed).normal(size=(count, 4))
    return pd.DataFrame(values, columns=[f"feature_{number}" for number in range(4)])


def _save(model: Any, folder: Path, frame: pd.DataFrame, **how: Any) -> None:
    mlflow.lightgbm.save_model(
        model,
        folder,
        signature=infer_signature(frame, model.predict(frame)),
        input_example=frame.head(3),
        pip_requirements=list(REQUIREMENTS),
        **how,
    )


def _labels(frame: pd.DataFrame) -> Any:
    return (frame["feature_0"] * frame["feature_1"] > 0).astype(int)


def _booster(folder: Path) -> None:
    frame = rows("booster", 300, seed=1)
    data = lightgbm.Dataset(frame, _labels(frame))
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    _save(lightgbm.train(parameters, data, num_boost_round=20), folder, frame)


def _classifier(variant: str, folder: Path, **how: Any) -> None:
    frame = rows(variant, 300, seed=1)
    model = lightgbm.LGBMClassifier(n_estimators=20, n_jobs=1).fit(frame, _labels(frame))
    _save(model, folder, frame, serialization_format=variant, **how)


def _cloudpickle(folder: Path) -> None:
    _classifier("cloudpickle", folder)


def _skops(folder: Path) -> None:
    _classifier("skops", folder, skops_trusted_types=TRUSTED)


MODELS = {"booster": _booster, "cloudpickle": _cloudpickle, "skops": _skops}
