"""Which engine a model gets, and why; the conversions themselves have tests of their own."""

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    StandardScaler,
)

from handler.engines.program import read_program
from handler.loaders.load import load_model
from handler.manifest import EngineInfo, ModelInfo
from packager.engine.converter.engine_choice import COMPILED, choose_engine
from packager.engine.converter.equality import DifferentError, Outcome, difference

NAMES = ("a", "b", "c")


class Doubled(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A class that no conversion knows."""

    def predict(self, data: Any) -> Any:
        return np.asarray(data)[:, 0] * 2


class Part:
    """What copies its state, as scikit-learn's trees do."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.array = state["array"].copy()


class ByName(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A model that wants a DataFrame."""

    def predict(self, data: Any) -> Any:
        return data["b"].to_numpy() * 2


def doubles(*names: str) -> dict[str, Any]:
    inputs = [{"type": "double", "name": name, "required": True} for name in names]
    return {"inputs": inputs, "outputs": None, "params": None}


def choose(model: Any, folder: Path, signature: dict[str, Any] | None, **more: Any) -> EngineInfo:
    (folder / "model").mkdir(exist_ok=True)
    (folder / "model" / "model.pkl").write_bytes(pickle.dumps(model))
    info = ModelInfo("sklearn", "model.pkl", "pickle", signature=signature, **more)
    predictor = load_model(folder / "model", info)
    return choose_engine(
        predictor,
        info,
        wanted="arrays",
        tolerance=1e-12,
        count=10_000,
        rewrites=True,
        folder=folder,
    )


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3))
    labels = np.array(["no", "yes"])[(x.sum(axis=1) > 0).astype(int)]
    return RandomForestClassifier(10, random_state=0).fit(pd.DataFrame(x, columns=NAMES), labels)


def test_a_forest_is_compiled_after_ten_thousand_equal_rows(
    forest: RandomForestClassifier, tmp_path: Path
) -> None:
    engine = choose(forest, tmp_path, doubles(*NAMES))
    assert (engine.name, engine.input_kind, engine.max_difference) == ("arrays", "array", 0.0)
    assert engine.compared_rows >= 10_000
    rows = np.random.default_rng(1).normal(size=(50, 3))
    predicted = read_program(tmp_path / "model" / COMPILED).predict(rows, None)
    expected = forest.predict(pd.DataFrame(rows, columns=NAMES))
    assert predicted.tolist() == expected.tolist()


def test_the_example_is_among_the_compared_rows(
    forest: RandomForestClassifier, tmp_path: Path
) -> None:
    example = {"dataframe_split": {"columns": list(NAMES), "data": [[0.1, 0.2, 0.3]] * 7}}
    plain = choose(forest, tmp_path, doubles(*NAMES))
    engine = choose(forest, tmp_path, doubles(*NAMES), input_example=example)
    assert engine.compared_rows == plain.compared_rows + 7


def test_a_class_that_is_not_known_stays_exact_and_is_named(tmp_path: Path) -> None:
    engine = choose(Doubled(), tmp_path, doubles(*NAMES))
    assert engine.name == "exact"
    assert "Doubled" in engine.reason
    # It takes arrays as well, so it needs no pandas.
    assert engine.input_kind == "array"
    assert engine.compared_rows >= 10_000


def test_a_model_that_wants_names_gets_frames(tmp_path: Path) -> None:
    engine = choose(ByName(), tmp_path, doubles(*NAMES))
    assert (engine.name, engine.input_kind) == ("exact", "frame")
    assert engine.compared_rows >= 10_000


def test_a_rewritten_pickle_takes_no_more_memory_than_the_model(tmp_path: Path) -> None:
    model = Doubled()
    model.parts = [Part(np.random.default_rng(n).random(250_000)) for n in range(40)]  # 80 MB
    engine = choose(model, tmp_path, doubles(*NAMES))
    assert engine.data_path == "model.pickle"
    peaks = [_peak_mb(tmp_path / "model" / name) for name in ("model.pkl", "model.pickle")]
    assert peaks[1] < 80 + 30 < peaks[0]


def _peak_mb(path: Path) -> float:
    program = (
        "import pickle, sys, numpy, tests.packager.engine.test_choose\n"
        "def peak():\n"
        "    lines = open('/proc/self/status').read().splitlines()\n"
        "    return next(int(line.split()[1]) for line in lines if line.startswith('VmHWM'))\n"
        "before = peak()\n"
        "model = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print((peak() - before) / 1e3)\n"
    )
    argv = [sys.executable, "-W", "ignore", "-c", program, str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120)
    return float(done.stdout)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"type": "double"}, "without names"),
        ({"type": "datetime", "name": "a"}, "dates"),
        ({"type": "array", "items": {"type": "double"}, "name": "a", "required": True}, "lists"),
        ({"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2, 2]}}, "rank"),
        ({"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, -1]}}, "no table"),
    ],
)
def test_a_signature_that_needs_pandas_says_why(
    forest: RandomForestClassifier, tmp_path: Path, item: dict[str, Any], reason: str
) -> None:
    engine = choose(forest, tmp_path, {"inputs": [item], "outputs": None, "params": None})
    assert engine.name == "exact"
    assert reason in engine.reason


def test_a_tensor_signature_is_compiled_too(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    forest = RandomForestClassifier(5, random_state=0).fit(x, x[:, 0] > 0)
    tensor = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}
    engine = choose(forest, tmp_path, {"inputs": [tensor], "outputs": None, "params": None})
    assert (engine.name, engine.input_kind) == ("arrays", "array")


class Mistaken:
    """A model behind which a conversion finds another one: what a wrong conversion would be."""

    def __init__(self, model: Any, other: Any) -> None:
        self._logged, self.model = model, other

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        return self._logged.predict(data)


CANCER = load_breast_cancer(as_frame=True)
IRIS = load_iris(as_frame=True)


@pytest.mark.parametrize(
    "scaler", [None, StandardScaler(), MinMaxScaler(), PowerTransformer()], ids=str
)
def test_a_conversion_that_shifts_every_threshold_a_little_is_found_out(
    scaler: Any, tmp_path: Path
) -> None:
    data = CANCER.data.iloc[:, :6]
    model = make_pipeline(scaler, RandomForestClassifier(20, random_state=0))
    other = copy.deepcopy(model.fit(data, CANCER.target))
    for tree in other[-1].estimators_:
        tree.tree_.threshold[:] *= 1 + 1e-4
    engine = choose_between(model, other, list(data), tmp_path)
    assert engine.name == "exact"
    assert "labels differ" in engine.reason
    assert choose_between(model, model, list(data), tmp_path).name == "arrays"


def choose_between(model: Any, other: Any, names: list[str], folder: Path) -> EngineInfo:
    (folder / "model").mkdir(exist_ok=True)
    (folder / "model" / "model.pkl").write_bytes(pickle.dumps(model))
    info = ModelInfo("sklearn", "model.pkl", "pickle", signature=doubles(*names))
    return choose_engine(
        Mistaken(model, other),
        info,
        wanted="arrays",
        tolerance=1e-12,
        count=10_000,
        rewrites=False,
        folder=folder,
    )


@pytest.mark.parametrize(
    ("data", "before"),
    [
        (CANCER, StandardScaler()),
        (IRIS, StandardScaler()),
        (IRIS, PolynomialFeatures()),
        (IRIS, make_column_transformer((StandardScaler(), [0, 1]), remainder="passthrough")),
    ],
    ids=["cancer", "iris", "polynomial", "columns"],
)
def test_pipelines_are_compared_on_rows_that_they_take(
    data: Any, before: Any, tmp_path: Path
) -> None:
    model = make_pipeline(before, RandomForestClassifier(5, random_state=0))
    model.fit(data.data, data.target)
    engine = choose(model, tmp_path, doubles(*data.data))
    assert engine.name == "arrays", engine.reason
    assert engine.compared_rows >= 10_000


def test_a_model_that_refuses_most_rows_is_not_compiled(tmp_path: Path) -> None:
    data = IRIS.data
    model = make_pipeline(PowerTransformer(method="box-cox"), LogisticRegression())
    engine = choose(model.fit(data, IRIS.target), tmp_path, doubles(*data))
    assert engine.name == "exact"
    assert "too few" in engine.reason


def test_an_optional_column_that_the_model_can_do_without_keeps_it_exact(tmp_path: Path) -> None:
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)), columns=NAMES)
    model = make_pipeline(
        make_column_transformer((StandardScaler(), ["b"])), LinearRegression()
    ).fit(table, table["b"] * 2)
    inputs = doubles(*NAMES)["inputs"]
    inputs[0]["required"] = False
    engine = choose(model, tmp_path, {"inputs": inputs})
    assert engine.name == "exact"
    assert "it refuses rows that the model takes" in engine.reason


def test_whole_numbers_beyond_a_floats_stay_apart(tmp_path: Path) -> None:
    ids = [2**53, 2**53 + 1, 2**60, 2**60 + 1]
    table = pd.DataFrame({"id": ids * 10, "x": np.linspace(0, 1, 40)})
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    model = make_pipeline(
        make_column_transformer((encoder, ["id"]), remainder="passthrough"), LinearRegression()
    ).fit(table, [0, 10, 20, 30] * 10)
    inputs = [
        {"type": "long", "name": "id", "required": True},
        {"type": "double", "name": "x", "required": True},
    ]
    engine = choose(model, tmp_path, {"inputs": inputs})
    assert (engine.name, engine.input_kind) == ("arrays", "columns"), engine.reason
    program = read_program(tmp_path / "model" / COMPILED)
    columns = {"id": np.array(ids), "x": np.full(4, 0.5)}
    assert program.predict(columns, None) == pytest.approx(model.predict(pd.DataFrame(columns)))


def outcome(values: Any, dtype: Any = None) -> Outcome:
    return Outcome(np.array(values, dtype), None)


@pytest.mark.parametrize(
    ("expected", "actual", "words"),
    [
        (outcome([1, 2]), outcome([1, 3]), "1 of 2 labels differ"),
        (outcome(["a"], object), outcome(["b"], object), "labels differ"),
        (outcome([1.0]), outcome([1.0 + 1e-11]), "differ by up to 1e-11"),
        (outcome([1.0]), outcome([np.nan]), "differ"),
        (outcome([np.inf]), outcome([1e308]), "differ"),
        (outcome([1.0], "float32"), outcome([1.0]), "float64"),
        (outcome([[1.0]]), outcome([1.0]), "[1]"),
        (outcome([1.0]), Outcome(None, ValueError("NaN")), "refuses rows"),
        (Outcome(None, ValueError("NaN")), outcome([1.0]), "takes rows"),
        (Outcome([1.0], None), outcome([1.0]), "no array"),
    ],
)
def test_a_difference_is_told(expected: Outcome, actual: Outcome, words: str) -> None:
    with pytest.raises(DifferentError) as raised:
        difference(expected, actual, 1e-12)
    assert words in str(raised.value)


def test_equal_predictions_have_a_measured_difference() -> None:
    assert difference(outcome([1.0, np.nan]), outcome([1.0, np.nan]), 0.0) == 0.0
    assert difference(outcome([1.0]), outcome([1.0 + 2**-52]), 1e-12) == 2**-52
    assert difference(outcome([1e9]), outcome([1e9 + 2**-22]), 1e-12) == 2**-22 / 1e9
    error = Outcome(None, ValueError("NaN"))
    assert difference(error, error, 0.0) == 0.0
