"""Saving the models with real MLflow. Runs in the judge's process only."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types.schema import ColSpec, ParamSchema, Schema
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from sklearn.tree import DecisionTreeClassifier

from tests.support.cities import CITY_COLUMNS, city_pipeline

from .catalog import COMPILED, ECHOING, Item


class Model(mlflow.pyfunc.PythonModel):
    """A custom model that answers as its entry in the catalog says."""

    def __init__(self, name: str) -> None:
        self._name = name

    def predict(self, context, model_input, params=None):
        return ECHOING[self._name].predict(model_input, params)


def save_model(name: str, folder: Path) -> None:
    """Save the model of this name as MLflow's users would."""
    if name in ECHOING:
        _save_echoing(name, folder)
        return
    model, signature, options = _SKLEARN[name.removeprefix(COMPILED)]()
    mlflow.sklearn.save_model(
        model,
        folder,
        signature=signature,
        pip_requirements=["scikit-learn"],
        **{"serialization_format": "cloudpickle", **options},
    )


def _save_echoing(name: str, folder: Path) -> None:
    entry = ECHOING[name]
    signature = None
    if entry.inputs:
        params = ParamSchema.from_json(json.dumps(entry.params)) if entry.params else None
        signature = ModelSignature(inputs=_schema(*entry.inputs), params=params)
    mlflow.pyfunc.save_model(
        folder, python_model=Model(name), signature=signature, pip_requirements=["pandas"]
    )


def _schema(*items: Item) -> Schema:
    return Schema.from_json(json.dumps(items))


def _data(features: int = 4) -> tuple[pd.DataFrame, Any]:
    values, labels = make_classification(60, features, random_state=42)
    return pd.DataFrame(values, columns=[f"x{i}" for i in range(features)]), labels


Saved = tuple[Any, Any, dict[str, Any]]


def _classifier() -> Saved:
    frame, labels = _data()
    model = DecisionTreeClassifier(random_state=0).fit(frame, labels)
    skops = {
        "serialization_format": "skops",
        "skops_trusted_types": ["sklearn.tree._tree.Tree"],
    }
    return model, infer_signature(frame, labels), skops


def _forest() -> Saved:
    frame, labels = _data()
    model = RandomForestClassifier(n_estimators=3, random_state=42).fit(frame, labels)
    return model, infer_signature(frame, labels), {"pyfunc_predict_fn": "predict_proba"}


def _regressor() -> Saved:
    frame = pd.DataFrame(
        {
            "rooms": [1, 2, 3, 4],
            "area": [10.5, 20.0, 33.3, 41.7],
            "age": np.array([3, 1, 4, 1], "int32"),
            "rate": np.array([0.1, 0.2, 0.3, 0.4], "float32"),
            "new": [True, False, True, False],
        }
    )
    return LinearRegression().fit(frame, [1.0, 2.5, 3.1, 4.9]), infer_signature(frame), {}


def _wide() -> Saved:
    frame, labels = _data(30)
    target = frame.to_numpy() @ np.linspace(0.1, 3.0, 30) + labels
    return LinearRegression().fit(frame, target), infer_signature(frame, target), {}


def _pipeline() -> Saved:
    return city_pipeline(), ModelSignature(inputs=_schema(*CITY_COLUMNS)), {}


def _labels() -> Saved:
    frame, labels = _data()
    names = np.array(["setosa", "versicoloré"])[labels]
    return LogisticRegression().fit(frame, names), infer_signature(frame, names), {}


def _probabilities() -> Saved:
    frame, labels = _data()
    model = LogisticRegression().fit(frame, labels)
    return model, infer_signature(frame), {"pyfunc_predict_fn": "predict_proba"}


def _unnamed() -> Saved:
    frame, labels = _data()
    schema = Schema([ColSpec("double") for _ in frame.columns])
    model = LogisticRegression().fit(frame.to_numpy(), labels)
    return model, ModelSignature(inputs=schema), {}


def _tensor() -> Saved:
    frame, labels = _data()
    values = frame.to_numpy()
    return LogisticRegression().fit(values, labels), infer_signature(values), {}


def _bare() -> Saved:
    frame, labels = _data()
    model = LogisticRegression().fit(frame.to_numpy(), labels)
    return model, None, {"serialization_format": "pickle"}


def _categories() -> Saved:
    frame = pd.DataFrame({"size": ["s", "m", "l", "s"], "colour": ["red", "blue", "red", "red"]})
    frame = frame.astype("category")
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = make_pipeline(encoder, LinearRegression()).fit(frame, [1.0, 2.0, 3.0, 1.5])
    schema = Schema([ColSpec("string", name) for name in frame.columns])
    return model, ModelSignature(inputs=schema), {}


def _outputs() -> Saved:
    frame, labels = _data()
    values = frame.to_numpy("float32")
    targets = np.column_stack([labels, -labels, values[:, 0]]).astype("float32")
    return LinearRegression().fit(values, targets), infer_signature(values, targets), {}


_SKLEARN: dict[str, Callable[[], Saved]] = {
    "classifier": _classifier,
    "forest": _forest,
    "regressor": _regressor,
    "wide": _wide,
    "pipeline": _pipeline,
    "labels": _labels,
    "probabilities": _probabilities,
    "unnamed": _unnamed,
    "tensor": _tensor,
    "bare": _bare,
    "categories": _categories,
    "outputs": _outputs,
}
