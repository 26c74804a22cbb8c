"""Scikit-learn models in each of MLflow's formats."""

from pathlib import Path
from typing import Any

import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

REQUIREMENTS = (
    "cloudpickle==3.1.1",
    "numpy==2.2.6",
    "pandas==2.3.2",
    "scikit-learn==1.7.2",
    "scipy==1.16.3",
    "skops==0.16.0",
)
NUMBERS = ["height", "width", "depth"]


def rows(variant: str, count: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.normal(size=(count, 3)), columns=NUMBERS)
    if variant == "pickle":
        return frame
    return frame.assign(city=random.choice(["Graz", "Linz", "Wien"], count))


def _save(variant: str, model: Any, folder: Path, **how: Any) -> None:
    frame = rows(variant, 300, seed=1)
    model.fit(frame, (frame["height"] + frame["width"] ** 2 > 0.5).astype(int))
    predict = getattr(model, how.get("pyfunc_predict_fn", "predict"))
    mlflow.sklearn.save_model(
        model,
        folder,
        signature=infer_signature(frame, predict(frame)),
        input_example=frame.head(3),
        pip_requirements=list(REQUIREMENTS),
        **how,
    )


def _pipeline(last: Any) -> Any:
    prepare = ColumnTransformer(
        [("numbers", StandardScaler(), NUMBERS), ("city", OneHotEncoder(), ["city"])]
    )
    return make_pipeline(prepare, last)


def _skops(folder: Path) -> None:
    model = _pipeline(RandomForestClassifier(n_estimators=20, random_state=7))
    trusted = ["sklearn.tree._tree.Tree", "numpy.dtype"]
    _save("skops", model, folder, serialization_format="skops", skops_trusted_types=trusted)


def _cloudpickle(folder: Path) -> None:
    _save(
        "cloudpickle", _pipeline(LogisticRegression()), folder, serialization_format="cloudpickle"
    )


def _pickle(folder: Path) -> None:
    _save("pickle", LinearRegression(), folder, serialization_format="pickle")


def _predict_proba(folder: Path) -> None:
    how = {"serialization_format": "cloudpickle", "pyfunc_predict_fn": "predict_proba"}
    _save("predict_proba", _pipeline(LogisticRegression()), folder, **how)


MODELS = {
    "skops": _skops,
    "cloudpickle": _cloudpickle,
    "pickle": _pickle,
    "predict_proba": _predict_proba,
}
