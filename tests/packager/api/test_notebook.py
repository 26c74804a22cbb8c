"""The whole way in one process, as a notebook goes it: docs/python-api.md is run."""

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import packager
from tests.packager.api.test_public_names import PAGE

pytestmark = pytest.mark.runtime


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return load_iris(as_frame=True).data


@pytest.fixture(scope="module")
def forest(rows: pd.DataFrame) -> RandomForestClassifier:
    return RandomForestClassifier(10, random_state=0).fit(rows, load_iris().target)


@pytest.fixture(scope="module")
def dist(
    forest: Any, rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> packager.Bundle:
    folder = tmp_path_factory.mktemp("api") / "dist"
    return packager.build(packager.open_model(forest, input_example=rows), folder).bundle


def test_the_five_lines_of_the_page_give_an_answer(
    forest: Any,
    rows: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code, config = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {"forest": forest, "rows": rows}

    exec(code, names)
    exec(config, names)

    assert len(code.split("\n\n", 1)[1].splitlines()) + 1 == 5
    assert capsys.readouterr().out == f"{forest.predict(rows)}\n"
    assert names["config"].architecture == "arm64"


def test_a_loaded_bundle_predicts_as_the_estimator_and_pickles(
    dist: packager.Bundle, forest: Any, rows: pd.DataFrame
) -> None:
    assert dist.manifest.model.engine.name == "arrays"
    assert not dist.manifest.model.logged_executes_code
    predictor = packager.load(dist)

    again = pickle.loads(pickle.dumps(predictor))

    for one in (predictor, again):
        np.testing.assert_array_equal(one.predict(rows), forest.predict(rows))
    # Columns in another order, and one more, as MLflow's `predict` takes them.
    shuffled = rows.iloc[:, ::-1].assign(more=1)
    np.testing.assert_array_equal(predictor.predict(shuffled), forest.predict(rows))


def test_data_that_does_not_fit_is_an_error_of_ours(
    dist: packager.Bundle, rows: pd.DataFrame
) -> None:
    with pytest.raises(packager.PackagerError, match=r"lacks 'petal width \(cm\)'"):
        packager.load(dist.folder).predict(rows.iloc[:, :3])


def test_a_pickled_predictor_is_not_another_model(
    forest: Any, rows: pd.DataFrame, tmp_path: Path
) -> None:
    config = packager.BuildConfig(
        model_source="embedded", optimization=packager.Optimization("none")
    )
    built = packager.build(
        packager.open_model(forest, input_example=rows), tmp_path, config, is_checked=False
    )
    predictor = packager.load(built)
    np.testing.assert_array_equal(predictor.predict(rows[:5]), forest.predict(rows[:5]))
    data = pickle.dumps(predictor)
    other = RandomForestClassifier(3, random_state=1).fit(rows, load_iris().target)
    packager.build(
        packager.open_model(other, input_example=rows), tmp_path, config, is_checked=False
    )

    with pytest.raises(packager.PackagerError, match="another model now"):
        pickle.loads(data)


def test_check_takes_the_model_that_was_built_and_refuses_another(
    forest: Any, rows: pd.DataFrame, tmp_path: Path
) -> None:
    with packager.open_model(forest, input_example=rows) as built:
        dist = packager.build(built, tmp_path / "dist", is_checked=False).bundle
        assert dist.manifest.model.engine.name == "arrays"
        report = packager.check(dist, model=built, is_static=True)
    assert report.is_ok
    assert report.not_made

    other = RandomForestClassifier(3, random_state=1).fit(rows, load_iris().target)
    model = packager.open_model(other, input_example=rows)
    with model, pytest.raises(packager.PackagerError, match="is not the model that"):
        packager.check(dist, model=model, is_static=True)


def test_a_model_is_removed_when_it_is_closed_or_forgotten(forest: Any) -> None:
    model = packager.open_model(forest)
    folder = model.folder
    assert (folder / "MLmodel").is_file()
    del model
    assert not folder.exists()

    model = packager.open_model(forest)
    model.close()
    model.close()
    assert not model.folder.exists()


def test_an_estimator_brings_the_packages_that_it_names(rows: pd.DataFrame) -> None:
    from lightgbm import LGBMClassifier

    pipeline = make_pipeline(
        FunctionTransformer(lambda table: table * 2),
        LGBMClassifier(n_estimators=2, min_child_samples=1, verbose=-1),
    ).fit(rows, load_iris().target)

    with packager.open_model(pipeline, input_example=rows.astype("float32")) as model:
        names = {line.partition("==")[0] for line in model.spec.requirements}
        types = {item["type"] for item in (model.spec.info.signature or {})["inputs"]}

    assert {"lightgbm", "scikit-learn", "cloudpickle"} <= names
    assert types == {"float"}


def test_every_kind_of_estimator_is_opened_as_its_flavor(rows: pd.DataFrame) -> None:
    from catboost import CatBoostClassifier
    from lightgbm import LGBMClassifier
    from xgboost import XGBClassifier

    target = load_iris().target
    light = LGBMClassifier(n_estimators=2, min_child_samples=1, verbose=-1).fit(rows, target)
    boosted = XGBClassifier(n_estimators=2).fit(rows, target)
    estimators = {
        "catboost": [CatBoostClassifier(iterations=2, verbose=0, allow_writing_files=False)],
        "lightgbm": [light, light.booster_],
        "xgboost": [boosted, boosted.get_booster()],
    }
    estimators["catboost"][0].fit(rows, target)
    for flavor, models in estimators.items():
        for model in models:
            with packager.open_model(model, input_example=rows) as opened:
                assert opened.spec.info.flavor == flavor


def test_what_cannot_predict_is_refused_before_it_is_built() -> None:
    for estimator, words in (
        (RandomForestClassifier(), "not fitted"),
        (StandardScaler(), "no method predict"),
    ):
        with pytest.raises(packager.PackagerError, match=words):
            packager.open_model(estimator)


def test_a_wrong_use_is_an_error_that_says_so(
    dist: packager.Bundle, forest: Any, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    for wrong, words in (
        (lambda: packager.plan("model"), "open model"),
        (lambda: packager.open_model(tmp_path / "empty"), "no MLmodel file"),
        (lambda: packager.BuildConfig(lock_policy="upgrade"), "lock_policy is a LockPolicy"),
        (lambda: packager.BuildConfig(constraints="numpy<2"), "constraints is a tuple"),
        (lambda: packager.load(dist).predict([["a"] * 4]), "ModelError|fit|raised"),
    ):
        with pytest.raises(packager.PackagerError, match=words):
            wrong()
    assert packager.read_bundle(str(dist.folder)) == dist
    assert len(repr(dist)) < 300


def test_what_is_no_model_is_refused_with_what_would_be() -> None:
    with pytest.raises(packager.PackagerError, match=r"a builtins\.dict is neither") as raised:
        packager.open_model({"weights": [1]})

    assert "mlflow.<flavor>.save_model" in str(raised.value.hint)
