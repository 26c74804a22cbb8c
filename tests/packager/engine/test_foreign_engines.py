"""Models that treelite or ONNX Runtime computes, where a user asks for them by name."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from xgboost import XGBClassifier

from handler.loaders.load import load_model
from handler.manifest import EngineInfo, EngineName, ModelInfo
from packager.engine.converter.engine_choice import choose_engine

NAMES = list("abcd")
RANDOM = np.random.default_rng(0)
TABLE = pd.DataFrame(RANDOM.normal(size=(300, 4)), columns=NAMES)
WORDS = np.array(["no", "yes"])[(TABLE["a"] > 0).astype(int)]
THREE = np.digitize(TABLE["b"], [-0.5, 0.5])


def choose(
    model: Any, folder: Path, engine: EngineName, tolerance: float = 1e-12, method: str = "predict"
) -> EngineInfo:
    (folder / "model").mkdir()
    (folder / "model" / "model.pkl").write_bytes(pickle.dumps(model))
    inputs = [{"type": "double", "name": name, "required": True} for name in NAMES]
    info = ModelInfo(
        "sklearn", "model.pkl", "pickle", predict_fn=method, signature={"inputs": inputs}
    )
    predictor = load_model(folder / "model", info)
    return choose_engine(
        predictor,
        info,
        wanted=engine,
        tolerance=tolerance,
        count=2_000,
        rewrites=False,
        folder=folder,
    )


@pytest.mark.parametrize(
    ("model", "method", "tolerance"),
    [
        (RandomForestClassifier(5, random_state=0).fit(TABLE, WORDS), "predict", 0.0),
        (ExtraTreesClassifier(5, random_state=0).fit(TABLE, THREE), "predict_proba", 1e-12),
        (RandomForestRegressor(5, random_state=0).fit(TABLE, TABLE["c"]), "predict", 1e-12),
        (GradientBoostingClassifier(n_estimators=5).fit(TABLE, WORDS), "predict_proba", 1e-6),
    ],
    ids=["labels", "probabilities", "numbers", "boosted"],
)
def test_treelite_computes_tree_ensembles(
    model: Any, method: str, tolerance: float, tmp_path: Path
) -> None:
    engine = choose(model, tmp_path, "treelite", tolerance, method)
    assert (engine.name, engine.data_path) == ("treelite", "compiled.arrays"), engine.reason
    assert engine.compared_rows >= 2_000
    assert engine.max_difference <= tolerance


@pytest.mark.parametrize(
    ("model", "method"),
    [
        (LogisticRegression().fit(TABLE, WORDS), "predict"),
        (LogisticRegression().fit(TABLE, THREE), "predict_proba"),
        (LinearRegression().fit(TABLE, TABLE["c"]), "predict"),
    ],
    ids=["labels", "probabilities", "numbers"],
)
def test_onnx_runtime_computes_linear_models(model: Any, method: str, tmp_path: Path) -> None:
    engine = choose(model, tmp_path, "onnx", 1e-9, method)
    assert engine.name == "onnx", engine.reason
    assert engine.max_difference <= 1e-9


@pytest.mark.parametrize(
    ("engine", "model", "reason"),
    [
        ("treelite", LinearRegression().fit(TABLE, TABLE["c"]), "treelite does not take it"),
        ("treelite", KNeighborsClassifier().fit(TABLE, WORDS), "treelite does not take it"),
        ("onnx", RandomForestClassifier(5, random_state=0).fit(TABLE, WORDS), "it refuses rows"),
        ("onnx", XGBClassifier(n_estimators=2).fit(TABLE, THREE), "skl2onnx does not take it"),
        ("onnx", LGBMRegressor(n_estimators=2).fit(TABLE, TABLE["c"]), "does not take it"),
    ],
)
def test_what_they_cannot_compute_alike_is_refused_with_a_reason(
    engine: EngineName, model: Any, reason: str, tmp_path: Path
) -> None:
    chosen = choose(model, tmp_path, engine)
    assert chosen.name == "exact"
    assert reason in chosen.reason
