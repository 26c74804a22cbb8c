"""Five kinds of models, small, saved by real MLflow: what the bundles of the tables carry."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def save_model(kind: str, folder: Path, *, is_pinned: bool = False) -> Path:
    """Train and save a model of this kind and return its folder.

    :param is_pinned: require the versions that are installed here, as MLflow does; otherwise
        any, so that each target gets the newest that it can load.
    """
    save, names = KINDS[kind]
    rows, labels = _rows()
    requirements = [_pin(name) if is_pinned else name for name in names]
    save(folder, rows, labels, {"pip_requirements": requirements})
    return folder


def _rows(count: int = 200) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(7)
    rows = pd.DataFrame(random.normal(size=(count, 4)), columns=[f"feature_{n}" for n in range(4)])
    return rows, (rows["feature_0"] + rows["feature_1"] > 0).to_numpy().astype(int)


def _pin(name: str) -> str:
    from importlib.metadata import version

    # The module is xgboost's; here it comes without the CUDA library.
    installed = {"xgboost": "xgboost-cpu"}.get(name, name)
    return f"{name}=={version(installed)}"


def _signed(rows: pd.DataFrame, predictions: Any) -> dict[str, Any]:
    from mlflow.models import infer_signature

    return {"signature": infer_signature(rows, predictions), "input_example": rows.head(2)}


def _save_forest(folder: Path, rows: pd.DataFrame, labels: np.ndarray, more: Any) -> None:
    import mlflow.sklearn
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(n_estimators=20, random_state=7).fit(rows, labels)
    mlflow.sklearn.save_model(
        model,
        folder,
        serialization_format="skops",
        skops_trusted_types=["sklearn.tree._tree.Tree", "numpy.dtype"],
        **_signed(rows, model.predict(rows)),
        **more,
    )


def _save_pipeline(folder: Path, rows: pd.DataFrame, labels: np.ndarray, more: Any) -> None:
    import mlflow.sklearn
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    table = rows.assign(city=np.where(rows["feature_2"] > 0, "Graz", "Linz"))
    numbers = list(rows.columns)
    prepare = ColumnTransformer(
        [("numbers", StandardScaler(), numbers), ("city", OneHotEncoder(), ["city"])]
    )
    model = make_pipeline(prepare, LogisticRegression()).fit(table, labels)
    mlflow.sklearn.save_model(
        model,
        folder,
        serialization_format="cloudpickle",
        **_signed(table, model.predict(table)),
        **more,
    )


def _save_xgboost(folder: Path, rows: pd.DataFrame, labels: np.ndarray, more: Any) -> None:
    import mlflow.xgboost
    from xgboost import XGBClassifier

    model = XGBClassifier(n_estimators=20).fit(rows, labels)
    mlflow.xgboost.save_model(model, folder, **_signed(rows, model.predict(rows)), **more)


def _save_lightgbm(folder: Path, rows: pd.DataFrame, labels: np.ndarray, more: Any) -> None:
    import lightgbm
    import mlflow.lightgbm

    data = lightgbm.Dataset(rows, labels)
    model = lightgbm.train({"verbosity": -1, "num_threads": 1}, data, num_boost_round=20)
    mlflow.lightgbm.save_model(model, folder, **_signed(rows, model.predict(rows)), **more)


def _save_onnx(folder: Path, rows: pd.DataFrame, labels: np.ndarray, more: Any) -> None:
    import mlflow.onnx
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec
    from onnx import TensorProto, helper

    weights = np.ones((rows.shape[1], 1), dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["rows", "weights"], ["scores"])],
        "linear",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, rows.shape[1]])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor("weights", TensorProto.FLOAT, weights.shape, weights.ravel())],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    row = TensorSpec(np.dtype("float32"), (-1, rows.shape[1]))
    mlflow.onnx.save_model(
        model,
        folder,
        signature=ModelSignature(inputs=Schema([row])),
        input_example=rows.head(2).to_numpy(dtype=np.float32),
        **more,
    )


_Save = Callable[[Path, pd.DataFrame, np.ndarray, Any], None]
KINDS: dict[str, tuple[_Save, Sequence[str]]] = {
    "sklearn": (_save_forest, ("scikit-learn", "skops", "numpy", "pandas")),
    "sklearn + pandas pipeline": (
        _save_pipeline,
        ("scikit-learn", "cloudpickle", "numpy", "pandas"),
    ),
    "xgboost": (_save_xgboost, ("xgboost", "scikit-learn", "numpy", "pandas")),
    "lightgbm": (_save_lightgbm, ("lightgbm", "numpy", "pandas")),
    "onnx": (_save_onnx, ("onnxruntime", "numpy", "pandas")),
}
