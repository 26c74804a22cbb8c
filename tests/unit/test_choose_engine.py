"""Which engine a model gets, and why; the conversions themselves have tests of their own."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import RandomForestClassifier

from handler.engines.program import read_program
from handler.loaders import load_model
from handler.manifest import EngineInfo, ModelInfo
from packager.converter.choose import COMPILED, choose_engine
from packager.converter.equality import DifferentError, Outcome, difference

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
        "import pickle, sys, numpy, tests.unit.test_choose_engine\n"
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
