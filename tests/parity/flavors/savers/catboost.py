"""CatBoost models of each class, in the formats that CatBoost can read again."""

from pathlib import Path
from typing import Any

import catboost
import mlflow.catboost
import numpy as np
import pandas as pd
from mlflow.models import infer_signature

REQUIREMENTS = ("catboost==1.2.10", "numpy==2.2.6", "pandas==2.3.2", "scipy==1.16.3")
IS_HEAVY = True
NUMBERS = ["height", "width", "depth"]
HOW = {"iterations": 20, "verbose": 0, "allow_writing_files": False, "random_seed": 7}


def rows(variant: str, count: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.normal(size=(count, 3)), columns=NUMBERS)
    if variant in ("ranker", "onnx"):  # ONNX has no categories
        return frame
    frame.loc[random.random(count) < 0.1, "depth"] = np.nan
    return frame.assign(city=random.choice(["Graz", "Linz", "Wien"], count))


def _save(
    variant: str, model: Any, target: Any, folder: Path, fit: dict[str, Any], **how: Any
) -> None:
    frame = rows(variant, 300, seed=1)
    categories = [name for name in frame if frame[name].dtype == object]
    model.fit(frame, target(frame), cat_features=categories, **fit)
    mlflow.catboost.save_model(
        model,
        folder,
        signature=infer_signature(frame, model.predict(frame)),
        input_example=frame.head(3),
        pip_requirements=list(REQUIREMENTS),
        **how,
    )


def _number(frame: pd.DataFrame) -> pd.Series:
    return frame["height"] + frame["width"] ** 2


def _yes_or_no(frame: pd.DataFrame) -> pd.Series:
    return (_number(frame) > 0.5).astype(int)


def _word(frame: pd.DataFrame) -> pd.Series:
    return pd.cut(_number(frame), [-np.inf, 0, 1, np.inf], labels=["low", "mid", "high"]).astype(
        str
    )


def _classifier(folder: Path) -> None:
    _save("classifier", catboost.CatBoostClassifier(**HOW), _word, folder, {})


def _regressor(folder: Path) -> None:
    _save("regressor", catboost.CatBoostRegressor(**HOW), _number, folder, {})


def _base(folder: Path) -> None:
    model = catboost.CatBoost({"loss_function": "Logloss", **HOW})
    _save("base", model, _yes_or_no, folder, {})


def _ranker(folder: Path) -> None:
    model = catboost.CatBoostRanker(loss_function="YetiRank", **HOW)
    _save("ranker", model, _yes_or_no, folder, {"group_id": np.arange(300) // 10})


def _json(folder: Path) -> None:
    model = catboost.CatBoostClassifier(**HOW)
    _save("json", model, _yes_or_no, folder, {}, format="json")


def _onnx(folder: Path) -> None:
    model = catboost.CatBoostRegressor(**HOW)
    _save("onnx", model, _number, folder, {}, format="onnx")


MODELS = {
    "classifier": _classifier,
    "regressor": _regressor,
    "base": _base,
    "ranker": _ranker,
    "json": _json,
    "onnx": _onnx,
}
