"""Stand-ins of models that another process has: here one of our own Python."""

import ast
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier

from handler.engines.program import read_program
from packager.engine.converter.builder import Builder
from packager.engine.converter.convert import convert
from packager.oldpython import stand_ins
from packager.oldpython.exchange import receive, send
from packager.oldpython.releases import ABSENT, CHANGED, current_name
from packager.oldpython.stand_ins import Session

RANDOM = np.random.default_rng(5)
ROWS = pd.DataFrame(RANDOM.normal(size=(200, 3)), columns=["a", "b", "c"])
MIXED = ROWS.assign(c=RANDOM.choice(["x", "y", "z"], 200).astype(object))
LABELS = (ROWS["a"] + ROWS["b"] ** 2 > 1).map({True: "yes", False: "no"}).to_numpy(object)


@pytest.fixture
def loaded(tmp_path: Path) -> Iterator[Any]:
    """Load a model in another process; returns the session."""
    sessions = []

    def load(model: Any) -> Session:
        path = tmp_path / "model.pkl"
        path.write_bytes(cloudpickle.dumps(model))
        request = {"flavor": "sklearn", "format": "cloudpickle", "path": str(path)}
        session = Session(
            sys.executable, {**request, "predict_fn": "predict", "code_path": None, "trusted": []}
        )
        sessions.append(session)
        return session

    yield load
    for session in sessions:
        session.close()


def _columns() -> ColumnTransformer:
    numbers = ("numbers", StandardScaler(), ["a", "b"])
    return ColumnTransformer([numbers, ("words", OneHotEncoder(), ["c"])])


MODELS = [
    (RandomForestRegressor(5, n_jobs=2), ROWS, ROWS["a"].to_numpy()),
    (GradientBoostingClassifier(n_estimators=5), ROWS, LABELS),
    (make_pipeline(_columns(), LogisticRegression()), MIXED, LABELS),
    (LGBMClassifier(n_estimators=5, verbose=-1), ROWS, LABELS),
    (XGBClassifier(n_estimators=5), ROWS, (ROWS["a"] > 0).astype(int).to_numpy()),
]


@pytest.mark.parametrize(("model", "frame", "y"), MODELS, ids=lambda value: type(value).__name__)
def test_what_converts_a_model_converts_a_stand_in_of_it_to_the_same_bytes(
    model: Any, frame: pd.DataFrame, y: Any, loaded: Any, tmp_path: Path
) -> None:
    model.fit(frame, y)
    session = loaded(model)
    programs = []
    for number, one in enumerate((model, session.model)):
        builder = Builder(list(frame))
        path = tmp_path / str(number)
        steps = convert(one, "predict", builder)
        builder.write(path, steps, list(frame) if frame is MIXED else None)
        programs.append(path.read_bytes())

    assert programs[0] == programs[1]
    data = {name: frame[name].to_numpy() for name in frame} if frame is MIXED else frame.to_numpy()
    found = read_program(tmp_path / "1").predict(data, None)
    np.testing.assert_array_equal(found, session.predict(frame))


def test_its_answers_and_refusals_are_the_models_own(loaded: Any) -> None:
    model = SVC().fit(ROWS, LABELS)
    session = loaded(model)

    np.testing.assert_array_equal(session.predict(ROWS), model.predict(ROWS))
    with pytest.raises(ValueError, match="NaN"):
        session.predict(ROWS.mask(ROWS > 0))
    assert not hasattr(session.model, "predict_proba")
    assert callable(session.model.decision_function)


def test_what_loading_raises_is_said(loaded: Any) -> None:
    class Broken:
        def __reduce__(self) -> Any:
            return eval, ("1 / 0",)

    with pytest.raises(ZeroDivisionError, match="division by zero"):
        loaded(Broken())


def test_an_interpreter_that_is_not_there_is_named() -> None:
    with pytest.raises(stand_ins.RemoteError, match="/not/there"):
        Session("/not/there", {})


VALUES = [
    *(None, True, 3, 2**70, 1.5, -0.0, float("inf"), "é", b"\x00", [1, (2, {3})], {1: {"a": None}}),
    *(np.float32(0.1), np.int64(3), np.str_("a"), np.dtype("<U3"), np.log1p, np.float64, str),
    *(slice(1, None), np.array(["a", None, 1.5], object), np.zeros((2, 0)), np.array(["a", "bc"])),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_arrives_as_it_was(value: Any) -> None:
    file = io.BytesIO()
    send(file, [value, value])
    file.seek(0)

    one, two = receive(file, lambda _: None)

    assert type(one) is type(value)
    assert repr(one) == repr(two) == repr(value)


def test_an_array_keeps_its_order_and_bits() -> None:
    array = np.asfortranarray(RANDOM.normal(size=(3, 4)))
    file = io.BytesIO()
    send(file, [array, array[0]])
    file.seek(0)

    found, row = receive(file, lambda _: None)

    assert found.flags.f_contiguous
    assert found.tobytes() == array.tobytes()
    assert row.tobytes() == array[0].tobytes()


def test_a_table_arrives_with_its_columns_types_and_gaps() -> None:
    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, np.nan], "s": ["a", None]})
    file = io.BytesIO()
    send(file, frame)
    file.seek(0)

    found = receive(file, lambda _: None)

    assert list(found) == ["n", "x", "s"]
    assert found["n"].dtype == np.int64
    assert found["x"].dtype == np.float64
    assert found["s"].tolist()[0] == "a"
    assert pd.isna(found["s"].tolist()[1])


def test_what_the_other_python_reads_is_of_its_syntax() -> None:
    folder = Path(stand_ins.__file__).parent
    for name in ("__init__.py", "exchange.py", "worker.py"):
        ast.parse((folder / name).read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize(
    ("former", "current"),
    [
        ("sklearn.ensemble.forest.RandomForestClassifier", "sklearn.ensemble._forest"),
        ("sklearn.ensemble.gradient_boosting.GradientBoostingRegressor", "sklearn.ensemble._gb"),
        ("sklearn.ensemble.gradient_boosting.MeanEstimator", "sklearn.dummy"),
        ("sklearn.tree.tree.DecisionTreeClassifier", "sklearn.tree._classes"),
        ("sklearn.linear_model.logistic.LogisticRegression", "sklearn.linear_model._logistic"),
        ("sklearn.preprocessing.data.StandardScaler", "sklearn.preprocessing._data"),
        ("sklearn.preprocessing.data.PolynomialFeatures", "sklearn.preprocessing._polynomial"),
        ("sklearn.impute.SimpleImputer", "sklearn.impute._base"),
        ("sklearn.pipeline.Pipeline", "sklearn.pipeline"),
        ("sklearn.naive_bayes.GaussianNB", "sklearn.naive_bayes"),
        ("xgboost.sklearn.XGBClassifier", "xgboost.sklearn"),
    ],
)
def test_a_class_of_an_older_release_has_the_name_of_today(former: str, current: str) -> None:
    module, _, name = former.rpartition(".")

    assert current_name(module, name)[0] == current


class Older:
    """A fitted model of an older release, as a stand-in shows it."""

    def __init__(self, **logged: Any) -> None:
        self._logged = logged

    def logged(self, name: str) -> Any:
        if name not in self._logged:
            raise AttributeError(name)
        return self._logged[name]

    def __getattr__(self, name: str) -> Any:
        if name in self._logged:
            return self._logged[name]
        return ABSENT[name](self) if name in ABSENT else self.logged(name)


def test_a_column_transformer_before_1_0_tells_where_its_columns_are() -> None:
    transformers = [
        ("words", Older(get_feature_names=lambda: ["x", "y", "z"]), ["c"]),
        ("numbers", Older(n=1), slice(0, 2)),
        ("left", "drop", []),
        ("rest", "passthrough", [3]),
    ]
    model = Older(
        transformers_=transformers, _n_features=4, _feature_names_in=np.array(["a", "b", "c", "d"])
    )

    assert model._transformer_to_input_indices == {
        "words": [2],
        "numbers": [0, 1],
        "left": [],
        "rest": [3],
    }
    assert [place.stop for place in model.output_indices_.values()] == [3, 5, 5, 6]
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "logged",
    [
        {"n_features_": 3},
        {"coef_": np.zeros((2, 3))},
        {"coef_": np.zeros(3)},
        {"scale_": None, "mean_": np.zeros(3)},
        {"categories_": [[], [], []]},
        {"steps": [("first", Older(scale_=np.ones(3))), ("last", None)]},
    ],
    ids=lambda value: next(iter(value)),
)
def test_what_a_model_before_0_24_knows_of_its_columns_is_found(logged: dict[str, Any]) -> None:
    assert Older(**logged).n_features_in_ == 3


def test_what_is_not_known_of_an_older_release_stays_absent() -> None:
    with pytest.raises(AttributeError):
        ABSENT["n_features_in_"](Older())
    with pytest.raises(AttributeError):  # of a regressor's tree
        CHANGED["classes_"](None, np.array([None], object))
