"""XGBoost models predict as under MLflow, in each class and format."""

import importlib
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow.xgboost
import numpy as np
import pandas as pd
import pytest
import xgboost
from mlflow.models import infer_signature

from handler.errors import ModelLoadError, PredictionError
from handler.loaders.load import load_model
from handler.manifest import ModelInfo
from tests.support.mlflow_twins import labels, save_and_load, table

FRAME = table()


def classifier(**more: Any) -> xgboost.XGBClassifier:
    return xgboost.XGBClassifier(n_estimators=5, **more).fit(FRAME, labels(FRAME))


def booster() -> xgboost.Booster:
    data = xgboost.DMatrix(FRAME, label=FRAME["a"] * FRAME["c"])
    return xgboost.train({"objective": "reg:squarederror"}, data, 5)


MODELS: dict[str, Callable[[], Any]] = {
    "classifier": classifier,
    "three classes": lambda: xgboost.XGBClassifier(n_estimators=5).fit(FRAME, labels(FRAME, 3)),
    "regressor": lambda: xgboost.XGBRegressor(n_estimators=5).fit(FRAME, FRAME["a"]),
    "forest": lambda: xgboost.XGBRFClassifier(n_estimators=5).fit(FRAME, labels(FRAME)),
    "ranker": lambda: xgboost.XGBRanker(n_estimators=5).fit(
        FRAME, labels(FRAME, 3), qid=np.arange(len(FRAME)) // 10
    ),
    "booster": booster,
}


def saver(model: Any, **more: Any) -> Callable[[Path], None]:
    def save(folder: Path) -> None:
        mlflow.xgboost.save_model(model, folder, pip_requirements=["xgboost"], **more)

    return save


@pytest.mark.parametrize("name", MODELS)
def test_each_kind_of_model_predicts_as_under_mlflow(tmp_path: Path, name: str) -> None:
    model = MODELS[name]()
    signature = infer_signature(FRAME, np.asarray([0.5]))
    twins = save_and_load(saver(model, signature=signature), tmp_path / "model")
    twins.assert_alike(table(seed=1))
    twins.assert_answers_alike(table(seed=1))
    assert not twins.info.executes_code


@pytest.mark.parametrize("model_format", ["ubj", "json", "xgb"])
@pytest.mark.parametrize("name", ["classifier", "booster"])
@pytest.mark.filterwarnings("ignore:.*file format.*:UserWarning")
def test_each_format_predicts_as_under_mlflow(tmp_path: Path, name: str, model_format: str) -> None:
    twins = save_and_load(saver(MODELS[name](), model_format=model_format), tmp_path / "model")
    assert twins.info.serialization_format == model_format
    twins.assert_alike(table(seed=1))


def test_missing_values_and_categories_are_taken_as_under_mlflow(tmp_path: Path) -> None:
    frame = table()
    frame.loc[::7, "a"] = np.nan
    frame["b"] = pd.cut(frame["b"], 3, labels=list("xyz"))
    model = xgboost.XGBClassifier(n_estimators=5, enable_categorical=True)
    model.fit(frame, labels(FRAME))
    twins = save_and_load(saver(model), tmp_path / "model")
    twins.assert_alike(frame)


def test_params_that_the_model_knows_reach_it_and_others_are_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    params = {"output_margin": True, "colour": "red"}
    signature = infer_signature(FRAME, np.asarray([1]), params)
    for name in ("classifier", "booster"):
        twins = save_and_load(saver(MODELS[name](), signature=signature), tmp_path / name)
        caplog.clear()
        with caplog.at_level(logging.WARNING, "handler"):
            twins.assert_alike(table(seed=1), params)
            twins.assert_answers_alike(table(seed=1), {"output_margin": False})
        ours = [record for record in caplog.records if record.name.startswith("handler")]
        assert "does not take these params: colour" in ours[0].getMessage()


def test_columns_in_another_order_are_the_callers_mistake_as_under_mlflow(tmp_path: Path) -> None:
    twins = save_and_load(saver(booster()), tmp_path / "model")
    body = b'{"dataframe_split": {"columns": ["d", "c", "b", "a"], "data": [[1, 2, 3, 4]]}}'
    with pytest.raises(ValueError, match="feature_names mismatch"):
        twins.judge.predict(pd.DataFrame([[1, 2, 3, 4]], columns=list("dcba")))
    with pytest.raises(PredictionError, match="ValueError"):
        twins.scorer.score(body, "application/json")


def test_a_class_of_the_models_own_predicts_as_under_mlflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "of_their_own.py"
    module.write_text(
        "import xgboost\n"
        "class Doubled(xgboost.XGBRegressor):\n"
        "    def predict(self, X, **more): return 2 * super().predict(X, **more)\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    model = importlib.import_module("of_their_own").Doubled(n_estimators=2)
    model.fit(FRAME, FRAME["a"])
    twins = save_and_load(saver(model, code_paths=[str(module)]), tmp_path / "model")
    assert twins.info.options["model_class"] == "of_their_own.Doubled"
    assert twins.info.executes_code
    assert replace(twins.info, code_path=None).executes_code
    twins.assert_alike(table(seed=1))


def test_a_class_that_is_none_of_xgboosts_predicts_with_its_own_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "foreign.py").write_text(
        "class Model:\n"
        "    def load_model(self, path): self.size = __import__('os').path.getsize(path)\n"
        "    def predict(self, data, power=1): return self.size ** power\n"
    )
    (tmp_path / "model.json").write_text("{}")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    info = ModelInfo("xgboost", "model.json", "json", options={"model_class": "foreign.Model"})
    predictor = load_model(tmp_path, info)
    assert predictor.predict(FRAME, {"power": 3, "unknown": 1}) == 8


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.ubj").write_bytes(b"no model")
    with pytest.raises(ModelLoadError, match="cannot be read as ubj"):
        load_model(tmp_path, ModelInfo("xgboost", "model.ubj", "ubj"))
