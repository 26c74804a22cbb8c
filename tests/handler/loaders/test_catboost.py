"""CatBoost models predict as under MLflow, in each class and format."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import catboost
import mlflow.catboost
import numpy as np
import pytest
from mlflow.models import infer_signature

from tests.support.mlflow_twins import labels, save_and_load, table

FRAME = table()
HOW = {"iterations": 5, "verbose": 0, "allow_writing_files": False}

MODELS: dict[str, Callable[[], Any]] = {
    "classifier": lambda: catboost.CatBoostClassifier(**HOW).fit(FRAME, labels(FRAME)),
    "words": lambda: catboost.CatBoostClassifier(**HOW).fit(
        FRAME, np.asarray(["low", "mid", "high"])[labels(FRAME, 3)]
    ),
    "regressor": lambda: catboost.CatBoostRegressor(**HOW).fit(FRAME, FRAME["a"]),
    "ranker": lambda: catboost.CatBoostRanker(**HOW).fit(
        FRAME, labels(FRAME), group_id=np.arange(len(FRAME)) // 10
    ),
    "base": lambda: catboost.CatBoost({"loss_function": "Logloss", **HOW}).fit(
        FRAME, labels(FRAME)
    ),
}


def saver(model: Any, **more: Any) -> Callable[[Path], None]:
    def save(folder: Path) -> None:
        mlflow.catboost.save_model(
            model,
            folder,
            signature=infer_signature(FRAME, np.asarray([0.5])),
            pip_requirements=["catboost"],
            **more,
        )

    return save


@pytest.mark.parametrize("name", MODELS)
def test_each_kind_of_model_predicts_as_under_mlflow(tmp_path: Path, name: str) -> None:
    twins = save_and_load(saver(MODELS[name]()), tmp_path / "model")

    twins.assert_alike(table(seed=1))
    twins.assert_answers_alike(table(seed=1))
    assert type(twins.ours.model).__name__ == twins.info.options["model_type"]
    assert not twins.info.executes_code


@pytest.mark.parametrize("model_format", ["cbm", "json", "onnx"])
@pytest.mark.parametrize("name", ["classifier", "regressor"])
def test_each_format_predicts_as_under_mlflow(tmp_path: Path, name: str, model_format: str) -> None:
    twins = save_and_load(saver(MODELS[name](), format=model_format), tmp_path / "model")

    assert twins.info.serialization_format == model_format
    twins.assert_alike(table(seed=1))


@pytest.mark.parametrize("memory_mib", ["512", "10240"])
def test_the_functions_memory_changes_no_prediction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory_mib: str
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mib)
    twins = save_and_load(saver(MODELS["regressor"]()), tmp_path / "model")

    twins.assert_alike(table(seed=1, rows=5000))
