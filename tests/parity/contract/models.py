"""Models saved by real MLflow, each behind MLflow's own scoring app and behind our scorer.

Importing MLflow takes seconds and warns: import this where a test runs, not where it is found.
"""

import datetime
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
from fastapi.testclient import TestClient
from mlflow.models import ModelSignature, infer_signature
from mlflow.pyfunc.scoring_server import init
from mlflow.types.schema import ParamSchema, Schema
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from handler.loaders.load import load_model
from handler.manifest import ModelInfo
from handler.requests.scorer import Scorer
from packager.model.mlmodel import read_mlmodel
from tests.support.cities import CITY_COLUMNS, city_pipeline

if TYPE_CHECKING:
    from handler.predictor import Predictor


@dataclass(frozen=True)
class Pair:
    """One model behind both servers."""

    mlflow: TestClient
    scorer: Scorer


class Echo(mlflow.pyfunc.PythonModel):
    """Answers with what it was handed: values, their types, dtypes."""

    def predict(self, context, model_input, params=None):
        return {
            "dtypes": {str(name): str(dtype) for name, dtype in model_input.dtypes.items()},
            "rows": [[_described(cell) for cell in row] for row in model_input.to_numpy().tolist()],
            "params": {name: _described(value) for name, value in (params or {}).items()},
        }


class EchoPredictor:
    """The same model without MLflow around it."""

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        return Echo().predict(None, data, params)


def _described(value: Any) -> Any:
    if isinstance(value, list):
        return [_described(item) for item in value]
    if isinstance(value, dict):
        return {key: _described(item) for key, item in value.items()}
    return f"{type(value).__name__} {value!r}"


def make_pair(name: str, folder: Path) -> Pair:
    """Save the model of this name to a folder, and load it for both servers."""
    _SAVERS[name](folder)
    judge = mlflow.pyfunc.load_model(str(folder))
    predictor: Predictor
    if name == "echo":
        signature = judge.metadata.signature.to_dict()
        decoded = {part: json.loads(text) if text else None for part, text in signature.items()}
        info = ModelInfo("sklearn", "model.pkl", "pickle", signature=decoded)
        predictor = EchoPredictor()
    else:
        info = read_mlmodel(folder).info
        predictor = load_model(folder, info)
    client = TestClient(init(judge), raise_server_exceptions=False)
    return Pair(client, Scorer(predictor, info))


def _data() -> tuple[pd.DataFrame, Any]:
    values, labels = make_classification(n_samples=60, n_features=4, random_state=42)
    return pd.DataFrame(values, columns=["x0", "x1", "x2", "x3"]), labels


def _save_sklearn(model: Any, folder: Path, signature: Any = None, **options: Any) -> None:
    mlflow.sklearn.save_model(
        model,
        folder,
        signature=signature,
        pip_requirements=["scikit-learn"],
        **{"serialization_format": "cloudpickle", **options},
    )


def _save_forest(folder: Path) -> None:
    frame, labels = _data()
    model = RandomForestClassifier(n_estimators=5, random_state=42).fit(frame, labels)
    _save_sklearn(
        model,
        folder,
        infer_signature(frame, labels),
        serialization_format="skops",
        skops_trusted_types=["sklearn.tree._tree.Tree"],
    )


def _save_probabilities(folder: Path) -> None:
    frame, labels = _data()
    model = LogisticRegression().fit(frame, labels)
    _save_sklearn(model, folder, infer_signature(frame), pyfunc_predict_fn="predict_proba")


def _save_pipeline(folder: Path) -> None:
    schema = Schema.from_json(json.dumps(CITY_COLUMNS))
    _save_sklearn(city_pipeline(), folder, ModelSignature(inputs=schema))


def _save_tensor(folder: Path) -> None:
    frame, labels = _data()
    values = frame.to_numpy()
    model = LinearRegression().fit(values, np.column_stack([labels, -labels]))
    _save_sklearn(model, folder, infer_signature(values))


def _save_bare(folder: Path) -> None:
    frame, labels = _data()
    model = LogisticRegression().fit(frame.to_numpy(), labels)
    _save_sklearn(model, folder, serialization_format="pickle")


def _save_echo(folder: Path) -> None:
    signature = ModelSignature(
        inputs=Schema.from_json(json.dumps(ECHO_INPUTS)),
        params=ParamSchema.from_json(json.dumps(ECHO_PARAMS)),
    )
    mlflow.pyfunc.save_model(
        folder, python_model=Echo(), signature=signature, pip_requirements=["pandas"]
    )


_POINT = {"p": {"type": "string", "required": True}, "q": {"type": "double", "required": False}}
ECHO_INPUTS = [
    {"type": "boolean", "name": "flag", "required": True},
    {"type": "integer", "name": "small", "required": False},
    {"type": "long", "name": "big", "required": False},
    {"type": "float", "name": "single", "required": False},
    {"type": "double", "name": "double", "required": False},
    {"type": "string", "name": "text", "required": False},
    {"type": "binary", "name": "blob", "required": False},
    {"type": "datetime", "name": "when", "required": False},
    {"type": "array", "items": {"type": "double"}, "name": "list", "required": False},
    {"type": "object", "properties": _POINT, "name": "point", "required": False},
    {"type": "map", "values": {"type": "long"}, "name": "counts", "required": False},
    {"type": "any", "name": "free", "required": False},
]
ECHO_PARAMS = [
    {"name": "k", "default": 1.0, "shape": None, "type": "double"},
    {"name": "n", "default": 1, "shape": None, "type": "long"},
    {"name": "words", "default": ["a"], "shape": [-1], "type": "string"},
    {
        "name": "when",
        "default": datetime.datetime(2024, 1, 1).isoformat(),
        "shape": None,
        "type": "datetime",
    },
]

_SAVERS: dict[str, Callable[[Path], None]] = {
    "forest": _save_forest,
    "probabilities": _save_probabilities,
    "pipeline": _save_pipeline,
    "tensor": _save_tensor,
    "bare": _save_bare,
    "echo": _save_echo,
}
