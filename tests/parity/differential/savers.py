"""Saving the models with real MLflow. Runs in the judge's process only."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import ModelSignature, infer_signature
from mlflow.types.schema import ColSpec, ParamSchema, Schema
from sklearn.cluster import KMeans
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputRegressor
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
    model, signature, options = _SAVED[name.removeprefix(COMPILED)]()
    if not type(model).__module__.startswith("sklearn"):
        library = type(model).__module__.partition(".")[0]
        flavor = importlib.import_module(f"mlflow.{library}")
        flavor.save_model(model, folder, signature=signature, pip_requirements=[library], **options)
        return
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


def _unsigned_forest() -> Saved:
    frame, labels = _data()
    return RandomForestClassifier(3, random_state=42).fit(frame.to_numpy(), labels), None, {}


def _unsigned_named() -> Saved:
    frame, labels = _data()
    return RandomForestClassifier(3, random_state=42).fit(frame, labels), None, {}


def _unsigned_clusters() -> Saved:
    frame, _ = _data()
    return KMeans(3, random_state=42).fit(frame), None, {}


def _unsigned_outputs() -> Saved:
    frame, labels = _data()
    model = MultiOutputRegressor(GradientBoostingRegressor(n_estimators=3, random_state=42))
    return model.fit(frame, np.column_stack([labels, frame["x0"]])), None, {}


def _unsigned_xgboost() -> Saved:
    frame, labels = _data()
    options = {"objective": "binary:logistic", "max_depth": 3}
    return xgboost.train(options, xgboost.DMatrix(frame, labels), 3), None, {}


def _unsigned_xgboost_rows() -> Saved:
    frame, labels = _data()
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=3)
    return model.fit(frame.to_numpy(), labels), None, {}


def _unsigned_lightgbm() -> Saved:
    frame, labels = _data()
    model = lightgbm.LGBMClassifier(n_estimators=3, min_child_samples=5, verbose=-1)
    return model.fit(frame, labels), None, {"serialization_format": "cloudpickle"}


def _unsigned_lightgbm_rows() -> Saved:
    frame, labels = _data()
    options = {"objective": "binary", "min_data_in_leaf": 5, "verbose": -1}
    data = lightgbm.Dataset(frame.to_numpy(), labels)
    return lightgbm.train(options, data, 3), None, {}


def _categories_of_lightgbm() -> Saved:
    values, labels = _data()
    colours = pd.Categorical(np.where(labels, "red", "blue"))
    frame = values[["x0"]].assign(colour=colours)
    options = {"objective": "binary", "min_data_in_leaf": 5, "verbose": -1}
    return lightgbm.train(options, lightgbm.Dataset(frame, labels), 3), None, {}


_SAVED: dict[str, Callable[[], Saved]] = {
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
    "unsigned_forest": _unsigned_forest,
    "unsigned_named": _unsigned_named,
    "unsigned_cities": lambda: (city_pipeline(), None, {}),
    "unsigned_clusters": _unsigned_clusters,
    "unsigned_outputs": _unsigned_outputs,
    "unsigned_xgboost": _unsigned_xgboost,
    "unsigned_xgboost_rows": _unsigned_xgboost_rows,
    "unsigned_lightgbm": _unsigned_lightgbm,
    "unsigned_lightgbm_rows": _unsigned_lightgbm_rows,
    "categories_of_lightgbm": _categories_of_lightgbm,
}
