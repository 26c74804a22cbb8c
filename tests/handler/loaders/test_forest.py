"""Forests whose trees are asked one by one, and estimators that make do with one processor."""

import warnings
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from handler.loaders.load import load_model
from handler.manifest import EngineInfo, ModelInfo
from packager.engine.converter.equality import Outcome, difference
from packager.engine.converter.rows import generate, generate_special

NAMES = ["a", "b", "c", "d"]
FORESTS = [
    RandomForestClassifier(8, random_state=0),
    RandomForestClassifier(8, random_state=0, n_jobs=2, class_weight="balanced"),
    ExtraTreesClassifier(8, random_state=0, max_features=None),
    RandomForestRegressor(8, random_state=0),
    ExtraTreesRegressor(8, random_state=0, n_jobs=-1),
    RandomForestRegressor(5, random_state=0, criterion="poisson"),
]


class Contrary(RandomForestClassifier):
    """A class of somebody's own: predicts with its own method."""


def rows(count: int = 200) -> tuple[pd.DataFrame, np.ndarray]:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(count, 4)), columns=NAMES)
    return frame, np.digitize(frame["a"] + frame["b"] ** 2, [0.0, 1.0])


def loaded(model: Any, folder: Path, method: str = "predict", *, is_direct: bool = True) -> Any:
    (folder / "model.pkl").write_bytes(cloudpickle.dumps(model))
    engine = EngineInfo(is_direct=is_direct)
    info = ModelInfo("sklearn", "model.pkl", "cloudpickle", predict_fn=method, engine=engine)
    return load_model(folder, info)


def assert_the_same(model: Any, method: str, folder: Path, frame: pd.DataFrame) -> None:
    predictor = loaded(model, folder, method)
    assert predictor.is_direct
    edges = {index: np.array([-1.0, 0.0, 1.0]) for index in range(len(NAMES))}
    example = {name: frame[name].to_numpy() for name in NAMES}
    count = 0
    given = (example, edges, dict.fromkeys(NAMES, "float64"))
    for block in (*generate(*given), *generate_special(*given)):
        data = pd.DataFrame(block)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the odd rows make sums overflow
            expected = Outcome.of(getattr(model, method), data)
            actual = Outcome.of(lambda one: predictor.predict(one, None), data)
        assert difference(expected, actual, tolerance=0) == 0
        assert type(expected.error) is type(actual.error)
        count += len(data)
    assert count > 10_000


@pytest.mark.parametrize("forest", FORESTS, ids=repr)
def test_a_forest_asked_tree_by_tree_gives_the_same_bits(forest: Any, tmp_path: Path) -> None:
    frame, target = rows()
    forest.fit(frame, target)
    for method in ("predict", "predict_proba"):
        if hasattr(forest, method):
            assert_the_same(forest, method, tmp_path, frame)


def test_an_array_is_predicted_as_a_frame_is(tmp_path: Path) -> None:
    frame, target = rows()
    model = RandomForestClassifier(8, random_state=0).fit(frame.to_numpy(), target)
    predictor = loaded(model, tmp_path, "predict_proba")
    assert (
        predictor.predict(frame.to_numpy(), None) == model.predict_proba(frame.to_numpy())
    ).all()


@pytest.mark.parametrize("has_missing", [False, True])
def test_a_forest_at_the_end_of_a_pipeline_gives_the_same_bits(
    has_missing: bool, tmp_path: Path
) -> None:
    frame, target = rows()
    if has_missing:
        frame.iloc[::7, 1] = np.nan
    labels = np.array(["low", "middle", "high"], dtype=object)[target]
    parts = (SimpleImputer(), StandardScaler()) if has_missing else (StandardScaler(),)
    model = make_pipeline(*parts, RandomForestClassifier(10, random_state=0)).fit(frame, labels)
    for method in ("predict", "predict_proba"):
        assert_the_same(model, method, tmp_path, frame)


def test_a_forest_fitted_with_missing_values_takes_them(tmp_path: Path) -> None:
    frame, target = rows()
    frame.iloc[::5, 0] = np.nan
    model = RandomForestClassifier(10, random_state=0).fit(frame, target)
    assert_the_same(model, "predict_proba", tmp_path, frame)


@pytest.mark.parametrize("steps", [(), (FunctionTransformer(),), ("passthrough",)])
def test_pipelines_with_nothing_before_the_forest_work(steps: Any, tmp_path: Path) -> None:
    frame, target = rows()
    model = make_pipeline(*steps, RandomForestClassifier(5, random_state=0)).fit(frame, target)
    predictor = loaded(model, tmp_path)
    assert predictor.is_direct
    assert (predictor.predict(frame, None) == model.predict(frame)).all()


def test_sparse_columns_reach_the_forest(tmp_path: Path) -> None:
    frame, target = rows()
    frame["kind"] = np.where(frame["a"] > 0, "up", "down")
    encode = make_column_transformer((OneHotEncoder(), ["kind"]), sparse_threshold=1.0)
    model = make_pipeline(encode, RandomForestClassifier(5, random_state=0)).fit(frame, target)
    predictor = loaded(model, tmp_path)
    assert predictor.is_direct
    assert (predictor.predict(frame, None) == model.predict(frame)).all()


@pytest.mark.parametrize(
    "model",
    [
        Contrary(5, random_state=0),
        GradientBoostingClassifier(n_estimators=3),
        make_pipeline(StandardScaler(), LogisticRegression()),
        VotingClassifier([("a", RandomForestClassifier(3))]),
    ],
    ids=lambda model: type(model).__name__,
)
def test_other_models_predict_by_their_own_method(model: Any, tmp_path: Path) -> None:
    frame, target = rows()
    predictor = loaded(model.fit(frame, target), tmp_path)
    assert not predictor.is_direct
    assert (predictor.predict(frame, None) == model.predict(frame)).all()


def test_several_targets_are_predicted_by_the_forest_itself(tmp_path: Path) -> None:
    frame, target = rows()
    model = RandomForestRegressor(3, random_state=0).fit(frame, np.column_stack([target, target]))
    predictor = loaded(model, tmp_path)
    assert not predictor.is_direct
    assert predictor.predict(frame, None).shape == (len(frame), 2)


def test_a_forest_is_asked_as_a_whole_unless_the_manifest_says_otherwise(tmp_path: Path) -> None:
    frame, target = rows()
    model = RandomForestClassifier(3, random_state=0).fit(frame, target)
    assert not loaded(model, tmp_path, is_direct=False).is_direct


def jobs(model: Any) -> dict[str, Any]:
    found = {name: value for name, value in model.get_params().items() if name.endswith("n_jobs")}
    for index, part in enumerate(getattr(model, "estimators_", [])):
        found |= {f"{index}__{name}": value for name, value in jobs(part).items()}
    return found


@pytest.fixture(params=["128", "1769", "3537"])
def small_function(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", request.param)


def committee() -> Any:
    forest = RandomForestClassifier(4, random_state=0, n_jobs=2)
    scaled = make_pipeline(StandardScaler(), ExtraTreesClassifier(4, random_state=0, n_jobs=2))
    return VotingClassifier([("a", forest), ("b", scaled)], voting="soft")


@pytest.mark.usefixtures("small_function")
def test_a_function_with_one_processor_runs_one_job(tmp_path: Path) -> None:
    frame, target = rows()
    model = committee().fit(frame, target).set_params(n_jobs=2)
    assert set(jobs(model).values()) == {2}
    predictor = loaded(model, tmp_path, "predict_proba")
    assert set(jobs(predictor.model).values()) == {1}
    assert (predictor.predict(frame, None) == model.predict_proba(frame)).all()


@pytest.mark.usefixtures("small_function")
def test_the_best_of_a_search_runs_one_job_too(tmp_path: Path) -> None:
    frame, target = rows()
    forest = RandomForestClassifier(3, n_jobs=2, random_state=0)
    model = GridSearchCV(forest, {"max_depth": [2]}, cv=2, n_jobs=1).fit(frame, target)
    predictor = loaded(model, tmp_path)
    assert predictor.model.best_estimator_.n_jobs == 1
    assert (predictor.predict(frame, None) == model.predict(frame)).all()


@pytest.mark.usefixtures("small_function")
def test_sums_that_depend_on_the_number_of_jobs_keep_it(tmp_path: Path) -> None:
    frame, target = rows()
    model = BaggingRegressor(n_estimators=5, random_state=0).fit(frame, target)
    assert loaded(model.set_params(n_jobs=2), tmp_path).model.n_jobs == 2


@pytest.mark.parametrize("memory", ["3538", "10240", None])
def test_a_function_with_more_processors_keeps_its_jobs(
    memory: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", raising=False)
    if memory is not None:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)
    frame, target = rows()
    model = RandomForestClassifier(3, n_jobs=2, random_state=0).fit(frame, target)
    assert loaded(model, tmp_path).model.n_jobs == 2
