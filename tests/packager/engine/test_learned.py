"""What the models of other libraries know of their input."""

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api
import xgboost

from handler.loaders.lightgbm import LightgbmPredictor
from packager.engine.converter.learned import learned_by

RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame({"x": RANDOM.normal(size=100), "colour": RANDOM.choice(["red", "blue"], 100)})
TARGET = FRAME["x"] + (FRAME["colour"] == "red")
CATEGORIES = FRAME.astype({"colour": "category"})


def kinds(model: object) -> dict[str | None, str]:
    learned = learned_by(model)
    assert learned is not None
    return {feature.name: feature.kind for feature in learned.features}


def booster() -> lightgbm.Booster:
    options = {"verbose": -1, "min_data_in_leaf": 5}
    return lightgbm.train(options, lightgbm.Dataset(CATEGORIES, TARGET), 3)


def test_a_lightgbm_model_knows_its_categories_and_ranges() -> None:
    learned = learned_by(booster())
    assert learned is not None
    number, colour = learned.features
    assert (colour.kind, colour.values) == ("string", ("blue", "red"))
    assert FRAME["x"].min() <= min(number.values) <= max(number.values) <= FRAME["x"].max()


def test_text_becomes_the_categories_that_lightgbm_was_fitted_on() -> None:
    model = booster()
    with pytest.raises(ValueError, match="categorical_feature do not match"):
        model.predict(FRAME)
    found = LightgbmPredictor(model).predict(FRAME, None)
    assert found.tolist() == model.predict(CATEGORIES).tolist()


def test_an_xgboost_model_knows_its_names_and_width() -> None:
    rows = FRAME[["x"]]
    assert kinds(xgboost.train({}, xgboost.DMatrix(rows, TARGET), 2)) == {"x": "float64"}
    unnamed = learned_by(xgboost.XGBRegressor(n_estimators=2).fit(rows.to_numpy(), TARGET))
    assert unnamed is not None
    assert (unnamed.names, len(unnamed.features)) == (None, 1)


def test_a_catboost_model_knows_which_columns_are_text() -> None:
    model = catboost.CatBoostRegressor(iterations=2, verbose=False, allow_writing_files=False)
    model.fit(FRAME, TARGET, cat_features=["colour"])
    assert kinds(model) == {"x": "float64", "colour": "string"}


def test_a_formula_knows_its_variables_and_the_categories_that_it_has_seen() -> None:
    frame = FRAME.assign(y=TARGET)
    learned = learned_by(statsmodels.formula.api.ols("y ~ np.exp(x) + C(colour)", frame).fit())
    assert learned is not None
    assert {one.name: one.values for one in learned.features} == {
        "x": (),
        "colour": ("blue", "red"),
    }
