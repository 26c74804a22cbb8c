"""XGBoost's and LightGBM's models, compiled: the same bits on rows at the edges and beyond."""

import platform
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost

from handler.loaders.xgboost import XgboostPredictor
from packager.engine.converter.builder import Builder, NotConvertible
from packager.engine.converter.convert import convert
from tests.support.compiled_twins import Twins

NAMES = [f"c{index}" for index in range(5)]
RANDOM = np.random.default_rng(3)
X = pd.DataFrame(RANDOM.normal(size=(250, 5)).round(2), columns=NAMES)
HOLES = X.mask(RANDOM.random(X.shape) < 0.15).where(RANDOM.random(X.shape) < 0.9, 0.0)
VALUES = (2 * X["c0"] + X["c1"] ** 2 + RANDOM.normal(size=250)).to_numpy()
POSITIVE = np.abs(VALUES) + 0.1
TWO = (VALUES > 1).astype(int)
THREE = np.digitize(VALUES, [0.0, 2.0])
WORDS = np.array(["low", "middle", "high"])[THREE]
CODES = HOLES.assign(c1=RANDOM.integers(0, 60, 250), c3=RANDOM.integers(0, 4, 250))
BOTH = ("predict", "predict_proba")
SMALL = {"n_estimators": 12, "n_jobs": 1}
QUIET = {**SMALL, "verbose": -1, "num_leaves": 8, "min_child_samples": 4}


class AsLoaded:
    """A Booster as the function asks it."""

    def __init__(self, booster: Any) -> None:
        self._predictor = XgboostPredictor(booster)

    def predict(self, data: Any) -> Any:
        return self._predictor.predict(data, None)


def assert_same_bits(
    model: Any, method: str, frame: pd.DataFrame, folder: Path, asked: Any = None
) -> int:
    """Return how many rows were refused, of more than 10,000."""
    twins = Twins.of(model, method, frame, folder)
    if asked is not None:
        twins = replace(twins, model=asked)
    rows, refused, largest = twins.compare()
    assert rows > 10_000
    assert largest == 0.0
    return refused


XGBOOST = [
    (xgboost.XGBClassifier(max_depth=4, **SMALL), TWO, BOTH),
    (xgboost.XGBClassifier(max_depth=4, **SMALL), THREE, BOTH),
    (xgboost.XGBRFClassifier(**SMALL), TWO, BOTH),
    (xgboost.XGBClassifier(booster="dart", rate_drop=0.3, **SMALL), THREE, BOTH),
    (xgboost.XGBRegressor(base_score=0.3, **SMALL), VALUES, ("predict",)),
    (xgboost.XGBRegressor(booster="dart", rate_drop=0.3, **SMALL), VALUES, ("predict",)),
    (xgboost.XGBRegressor(**SMALL), np.c_[VALUES, VALUES**2], ("predict",)),
    (xgboost.XGBRFRegressor(**SMALL), VALUES, ("predict",)),
]


@pytest.mark.parametrize(("model", "y", "methods"), XGBOOST)
@pytest.mark.parametrize("frame", [X, HOLES], ids=["whole", "holes"])
def test_an_estimator_of_xgboost_gives_the_same_bits(
    model: Any, y: Any, methods: tuple[str, ...], frame: pd.DataFrame, tmp_path: Path
) -> None:
    model.fit(frame, y)

    for method in methods:
        assert assert_same_bits(model, method, frame, tmp_path) == 0


@pytest.mark.parametrize(
    ("objective", "y"),
    [
        ("binary:logistic", TWO),
        ("binary:logitraw", TWO),
        ("binary:hinge", TWO),
        ("multi:softprob", THREE),
        ("multi:softmax", THREE),
        ("count:poisson", POSITIVE),
        ("reg:gamma", POSITIVE),
        ("survival:cox", POSITIVE),
        ("reg:absoluteerror", VALUES),
        ("rank:pairwise", THREE),
    ],
)
def test_a_booster_of_xgboost_gives_the_same_bits(objective: str, y: Any, tmp_path: Path) -> None:
    data = xgboost.DMatrix(HOLES, label=y, qid=np.repeat([0, 1], 125))
    classes = {"num_class": 3} if objective.startswith("multi") else {}
    booster = xgboost.train({"objective": objective, "nthread": 1, **classes}, data, 8)

    # A DMatrix refuses infinities.
    assert assert_same_bits(booster, "predict", HOLES, tmp_path, AsLoaded(booster)) > 1_000


def test_a_survival_model_of_xgboost_gives_the_same_bits(tmp_path: Path) -> None:
    data = xgboost.DMatrix(X, label_lower_bound=POSITIVE, label_upper_bound=POSITIVE * 2)
    booster = xgboost.train({"objective": "survival:aft", "nthread": 1}, data, 8)

    assert_same_bits(booster, "predict", X, tmp_path, AsLoaded(booster))


@pytest.mark.parametrize("most_one_hot", [1, 100])
def test_categories_of_xgboost_give_the_same_bits(most_one_hot: int, tmp_path: Path) -> None:
    model = xgboost.XGBClassifier(
        feature_types=["q", "c", "q", "c", "q"],
        enable_categorical=True,
        max_cat_to_onehot=most_one_hot,
        **SMALL,
    ).fit(CODES.to_numpy(), THREE)
    # As floats: any category may come with a fraction, beyond the known ones, or negative.
    assert_same_bits(model, "predict_proba", CODES.astype(float), tmp_path)


def test_xgboost_stops_where_it_was_best(tmp_path: Path) -> None:
    model = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=2, n_jobs=1)
    model.fit(X[:150], THREE[:150], eval_set=[(X[150:], THREE[150:])], verbose=False)
    assert model.best_iteration < 50

    assert_same_bits(model, "predict_proba", X, tmp_path)


def test_xgboost_predicts_nothing_for_no_rows(tmp_path: Path) -> None:
    model = xgboost.XGBRegressor(**SMALL).fit(X, VALUES)
    program = Twins.of(model, "predict", X, tmp_path).program

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = model.predict(X[:0])
    assert program.predict(X[:0].to_numpy(), None).shape == expected.shape == (0,)


LIGHTGBM = [
    (lightgbm.LGBMClassifier(**QUIET), TWO, BOTH),
    (lightgbm.LGBMClassifier(**QUIET), WORDS, BOTH),
    (lightgbm.LGBMClassifier(objective="multiclassova", **QUIET), WORDS, BOTH),
    (lightgbm.LGBMClassifier(boosting_type="dart", **QUIET), WORDS, BOTH),
    (
        lightgbm.LGBMRegressor(boosting_type="rf", subsample_freq=1, subsample=0.5, **QUIET),
        VALUES,
        ("predict",),
    ),
    (lightgbm.LGBMRegressor(**QUIET), VALUES, ("predict",)),
    (lightgbm.LGBMRegressor(reg_sqrt=True, **QUIET), VALUES, ("predict",)),
    (lightgbm.LGBMRegressor(objective="poisson", **QUIET), POSITIVE, ("predict",)),
    (lightgbm.LGBMRegressor(objective="huber", **QUIET), VALUES, ("predict",)),
    (lightgbm.LGBMRegressor(objective="cross_entropy", **QUIET), THREE / 2, ("predict",)),
    (lightgbm.LGBMRegressor(**QUIET), np.full(250, 1.5), ("predict",)),
]


@pytest.mark.parametrize(("model", "y", "methods"), LIGHTGBM)
def test_an_estimator_of_lightgbm_gives_the_same_bits(
    model: Any, y: Any, methods: tuple[str, ...], tmp_path: Path
) -> None:
    model.fit(HOLES, y)

    for method in methods:
        assert assert_same_bits(model, method, HOLES, tmp_path) == 0


@pytest.mark.parametrize("options", [{"zero_as_missing": True}, {"use_missing": False}])
def test_lightgbm_takes_for_missing_what_it_was_told_to(
    options: dict[str, Any], tmp_path: Path
) -> None:
    model = lightgbm.LGBMRegressor(**QUIET, **options).fit(HOLES, VALUES)

    assert_same_bits(model, "predict", HOLES, tmp_path)


@pytest.mark.parametrize("options", [{"max_cat_to_onehot": 1}, {"zero_as_missing": True}])
@pytest.mark.parametrize("dtype", ["int64", "float64"])
def test_categories_of_lightgbm_give_the_same_bits(
    options: dict[str, Any], dtype: str, tmp_path: Path
) -> None:
    codes = CODES.astype({"c1": dtype, "c3": dtype})
    model = lightgbm.LGBMClassifier(**QUIET, **options, min_data_per_group=2, cat_smooth=0.1)
    model.fit(codes, THREE, categorical_feature=["c1", "c3"])
    assert "num_cat=1" in model.booster_.model_to_string()

    assert_same_bits(model, "predict_proba", codes, tmp_path)


def test_a_booster_of_lightgbm_stops_where_it_was_best(tmp_path: Path) -> None:
    data = lightgbm.Dataset(X[:150], label=THREE[:150])
    booster = lightgbm.train(
        {"objective": "multiclass", "num_class": 3, "verbose": -1, "num_threads": 1},
        data,
        200,
        valid_sets=[lightgbm.Dataset(X[150:], label=THREE[150:], reference=data)],
        callbacks=[lightgbm.early_stopping(3, verbose=False)],
    )
    assert 0 < booster.best_iteration < 150

    assert assert_same_bits(booster, "predict", X, tmp_path) == 0


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (xgboost.XGBRegressor(max_depth=3, **SMALL), VALUES),
        (lightgbm.LGBMRegressor(zero_as_missing=True, **QUIET), VALUES),
    ],
)
def test_a_machine_without_the_native_library_gets_the_same_bits(
    model: Any, y: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.fit(HOLES, y)
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")

    assert_same_bits(model, "predict", HOLES, tmp_path)


def test_what_is_not_known_to_be_equal_is_not_converted() -> None:
    linear = lightgbm.LGBMRegressor(linear_tree=True, **QUIET).fit(X, VALUES)
    with pytest.raises(NotConvertible, match="linear models"):
        convert(linear, "predict", Builder())

    odd = lightgbm.LGBMRegressor(objective="cross_entropy_lambda", **QUIET).fit(X, THREE / 2)
    with pytest.raises(NotConvertible, match="cross_entropy_lambda"):
        convert(odd, "predict", Builder())

    missing = xgboost.XGBRegressor(missing=-1.0, **SMALL).fit(X, VALUES)
    with pytest.raises(NotConvertible, match="missing=-1"):
        convert(missing, "predict", Builder())

    vectors = xgboost.XGBRegressor(
        multi_strategy="multi_output_tree", tree_method="hist", **SMALL
    ).fit(X, np.c_[VALUES, VALUES])
    with pytest.raises(NotConvertible, match="vector in each leaf"):
        convert(vectors, "predict", Builder())

    weights = xgboost.XGBRegressor(booster="gblinear", **SMALL).fit(X, VALUES)
    with pytest.raises(NotConvertible, match="gblinear"):
        convert(weights, "predict", Builder())
