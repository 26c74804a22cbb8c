"""LightGBM models predict as under MLflow, in each class and format."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import mlflow.lightgbm
import numpy as np
import pandas as pd
import pytest
from mlflow.models import infer_signature

from handler.errors import ModelLoadError
from handler.loaders.load import load_model
from handler.manifest import ModelInfo
from tests.support.mlflow_twins import labels, save_and_load, table

FRAME = table()
SMALL = {"n_estimators": 5, "verbose": -1}
MODELS: dict[str, Callable[[], Any]] = {
    "classifier": lambda: lightgbm.LGBMClassifier(**SMALL).fit(FRAME, labels(FRAME)),
    "three classes": lambda: lightgbm.LGBMClassifier(**SMALL).fit(FRAME, labels(FRAME, 3)),
    "regressor": lambda: lightgbm.LGBMRegressor(**SMALL).fit(FRAME, FRAME["a"]),
}


@pytest.fixture(autouse=True)
def _mlflow_may_load_pickles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_MODEL_CODE_EXECUTION", "true")


def saver(model: Any, **more: Any) -> Callable[[Path], None]:
    def save(folder: Path) -> None:
        mlflow.lightgbm.save_model(model, folder, pip_requirements=["lightgbm"], **more)

    return save


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("serialization_format", ["skops", "cloudpickle", "pickle"])
def test_each_estimator_predicts_as_under_mlflow(
    tmp_path: Path, name: str, serialization_format: str
) -> None:
    signature = infer_signature(FRAME, np.asarray([0.5]))
    save = saver(MODELS[name](), serialization_format=serialization_format, signature=signature)
    twins = save_and_load(save, tmp_path / "model")
    assert twins.info.serialization_format == serialization_format
    assert twins.info.executes_code == (serialization_format != "skops")
    twins.assert_alike(table(seed=1))
    twins.assert_answers_alike(table(seed=1))


@pytest.mark.parametrize("name", MODELS)
def test_each_booster_predicts_as_under_mlflow(tmp_path: Path, name: str) -> None:
    signature = infer_signature(FRAME, np.asarray([0.5]))
    twins = save_and_load(saver(MODELS[name]().booster_, signature=signature), tmp_path / "model")
    assert twins.info.serialization_format == "lgb"
    assert not twins.info.executes_code
    twins.assert_alike(table(seed=1))
    twins.assert_answers_alike(table(seed=1))


def test_missing_values_and_categories_are_taken_as_under_mlflow(tmp_path: Path) -> None:
    frame = table()
    frame.loc[::7, "a"] = np.nan
    frame["b"] = pd.cut(frame["b"], 3, labels=list("xyz"))
    model = lightgbm.LGBMClassifier(**SMALL).fit(frame, labels(FRAME))
    save_and_load(saver(model.booster_), tmp_path / "booster").assert_alike(frame)
    save_and_load(saver(model), tmp_path / "estimator").assert_alike(frame)


def test_params_change_nothing_as_under_mlflow(tmp_path: Path) -> None:
    params = {"raw_score": True}
    signature = infer_signature(FRAME, np.asarray([1]), params)
    twins = save_and_load(saver(MODELS["classifier"](), signature=signature), tmp_path / "model")
    twins.assert_alike(table(seed=1), params)
    twins.assert_answers_alike(table(seed=1), params)


def test_types_that_the_model_does_not_trust_are_named(tmp_path: Path) -> None:
    save = saver(MODELS["classifier"](), serialization_format="skops")
    save_and_load(save, tmp_path / "model")
    info = ModelInfo("lightgbm", "model.skops", "skops")
    with pytest.raises(ModelLoadError, match=r"lightgbm\.basic\.Booster.*skops_trusted_types"):
        load_model(tmp_path / "model", info)


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.lgb").write_bytes(content)
    with pytest.raises(ModelLoadError, match="cannot be read as lgb"):
        load_model(tmp_path, ModelInfo("lightgbm", "model.lgb", "lgb"))
