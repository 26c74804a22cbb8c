"""scikit-learn's tree ensembles, compiled: the same bits on rows at the edges and beyond them."""

import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)
from threadpoolctl import threadpool_limits

from packager.engine.converter.builder import Builder, NotConvertible
from packager.engine.converter.convert import convert
from tests.support.compiled_twins import Twins

NAMES = [f"c{index}" for index in range(5)]
RANDOM = np.random.default_rng(7)
X = pd.DataFrame(RANDOM.normal(size=(250, 5)).round(2), columns=NAMES)
HOLES = X.mask(RANDOM.random(X.shape) < 0.15)
VALUES = (2 * X["c0"] + X["c1"] ** 2 + RANDOM.normal(size=250)).to_numpy()
TWO = VALUES > 1
THREE = np.digitize(VALUES, [0.0, 2.0])
WORDS = np.array(["low", "middle", "high"])[THREE]
MANY = RANDOM.integers(0, 9, 250)
BOTH = ("predict", "predict_proba")
ALL = (*BOTH, "decision_function")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    # Threads of OpenMP that share a busy processor spend their time waiting for each other.
    with threadpool_limits(1):
        yield


def assert_same_bits(model: Any, method: str, frame: pd.DataFrame, folder: Path) -> int:
    """Return how many rows were refused, of more than 10,000."""
    rows, refused, largest = Twins.of(model, method, frame, folder).compare()
    assert rows > 10_000
    assert largest == 0.0
    return refused


FORESTS: list[tuple[str, Any, Any, tuple[str, ...]]] = [
    ("words", RandomForestClassifier(15, random_state=0), WORDS, BOTH),
    ("numbers", RandomForestClassifier(15, max_depth=3, random_state=0), MANY, BOTH),
    ("booleans", ExtraTreesClassifier(15, random_state=0), TWO, BOTH),
    ("outputs", RandomForestClassifier(9, random_state=0), np.c_[THREE, TWO], ("predict",)),
    ("value", RandomForestRegressor(15, random_state=0), VALUES, ("predict",)),
    ("values", ExtraTreesRegressor(9, random_state=0), np.c_[VALUES, VALUES**3], ("predict",)),
    ("extra", ExtraTreesRegressor(15, bootstrap=True, random_state=0), VALUES, ("predict",)),
    ("tree", DecisionTreeClassifier(random_state=0), WORDS, BOTH),
    ("tree of values", DecisionTreeRegressor(random_state=0), VALUES, ("predict",)),
    ("extra tree", ExtraTreeClassifier(random_state=0), THREE, BOTH),
    ("extra tree of values", ExtraTreeRegressor(random_state=0), VALUES, ("predict",)),
    ("one leaf", DecisionTreeRegressor(), np.full(250, 2.5), ("predict",)),
    ("leaves alone", RandomForestClassifier(3), np.full(250, "same"), BOTH),
]


@pytest.mark.parametrize(("model", "y", "methods"), [f[1:] for f in FORESTS], ids=lambda _: "")
def test_a_forest_gives_the_same_bits(
    model: Any, y: Any, methods: tuple[str, ...], tmp_path: Path
) -> None:
    model.fit(X, y)

    for method in methods:
        # Infinities and what float32 cannot hold; missing values are taken since 1.3.
        assert assert_same_bits(model, method, X, tmp_path) > 1_000


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(15, random_state=0),
        ExtraTreesClassifier(15, random_state=0),
        DecisionTreeClassifier(random_state=0),
    ],
)
def test_a_forest_that_saw_missing_values_sends_them_where_it_learned_to(
    model: Any, tmp_path: Path
) -> None:
    model.fit(HOLES, WORDS, sample_weight=np.linspace(0.1, 3.0, 250))

    assert_same_bits(model, "predict_proba", HOLES, tmp_path)


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (GradientBoostingClassifier(n_estimators=15), TWO),
        (GradientBoostingClassifier(n_estimators=15, loss="exponential"), WORDS == "low"),
        (GradientBoostingClassifier(n_estimators=9, init="zero", subsample=0.5), WORDS),
        (GradientBoostingClassifier(n_estimators=5), MANY),
    ],
)
def test_a_gradient_boosting_of_classes_gives_the_same_bits(
    model: Any, y: Any, tmp_path: Path
) -> None:
    model.fit(X, y)

    for method in ALL:
        # It takes no missing values.
        assert assert_same_bits(model, method, X, tmp_path) > 2_000


@pytest.mark.parametrize("loss", ["squared_error", "huber", "quantile"])
def test_a_gradient_boosting_of_values_gives_the_same_bits(loss: str, tmp_path: Path) -> None:
    model = GradientBoostingRegressor(n_estimators=20, loss=loss).fit(X, VALUES)

    assert assert_same_bits(model, "predict", X, tmp_path) > 2_000


@pytest.mark.parametrize("y", [TWO, WORDS, MANY], ids=["two", "words", "many"])
@pytest.mark.parametrize("frame", [X, HOLES], ids=["whole", "holes"])
def test_a_hist_gradient_boosting_of_classes_gives_the_same_bits(
    y: Any, frame: pd.DataFrame, tmp_path: Path
) -> None:
    model = HistGradientBoostingClassifier(max_iter=8, min_samples_leaf=4).fit(frame, y)

    for method in ALL:
        # It takes anything that is a number.
        assert assert_same_bits(model, method, frame, tmp_path) == 0


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "gamma", "absolute_error"])
def test_a_hist_gradient_boosting_of_values_gives_the_same_bits(loss: str, tmp_path: Path) -> None:
    model = HistGradientBoostingRegressor(max_iter=15, loss=loss).fit(HOLES, np.abs(VALUES) + 0.1)

    assert assert_same_bits(model, "predict", HOLES, tmp_path) == 0


def test_categories_of_a_hist_gradient_boosting_give_the_same_bits(tmp_path: Path) -> None:
    frame = HOLES.assign(
        c1=np.random.default_rng(1).integers(-3, 40, 250),
        c3=np.random.default_rng(2).choice(["red", "green", "blue"], 250).astype(object),
    )
    model = HistGradientBoostingClassifier(
        max_iter=15, min_samples_leaf=4, categorical_features=["c1", "c3"]
    ).fit(frame, WORDS)

    for method in BOTH:
        assert_same_bits(model, method, frame, tmp_path)


@pytest.mark.parametrize(
    "options", [{}, {"max_features": 0.5, "contamination": 0.1}, {"max_samples": 1}]
)
def test_an_isolation_forest_gives_the_same_bits(options: dict[str, Any], tmp_path: Path) -> None:
    model = IsolationForest(n_estimators=25, random_state=0, **options).fit(HOLES)

    for method in ("predict", "decision_function", "score_samples"):
        assert assert_same_bits(model, method, HOLES, tmp_path) == 0


MIXED = pd.DataFrame(
    {
        "c0": X["c0"],
        "c1": X["c1"].astype("float32"),
        "c2": (X["c2"] * 10).astype("int64"),
        "c3": (X["c3"] * 10).astype("int32"),
        "c4": X["c4"] > 0,
    }
)
WHOLE = pd.DataFrame({"c0": MIXED["c2"], "c1": MIXED["c2"] // 3})
SINGLE = X.astype("float32")


@pytest.mark.parametrize("frame", [MIXED, WHOLE, SINGLE], ids=["mixed", "integers", "float32"])
@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(9, random_state=0),
        GradientBoostingClassifier(n_estimators=6),
        HistGradientBoostingClassifier(max_iter=6),
    ],
)
def test_columns_of_any_number_type_give_the_same_bits(
    model: Any, frame: pd.DataFrame, tmp_path: Path
) -> None:
    model.fit(frame, WORDS)

    assert_same_bits(model, "predict_proba", frame, tmp_path)


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    return RandomForestClassifier(20, random_state=0).fit(X.to_numpy(), WORDS)


def test_the_memory_layout_of_rows_changes_nothing(
    forest: RandomForestClassifier, tmp_path: Path
) -> None:
    program = Twins.of(forest, "predict_proba", X, tmp_path).program
    rows = np.random.default_rng(0).normal(size=(1_000, 5))
    expected = forest.predict_proba(rows)

    for same in (np.asfortranarray(rows), np.repeat(rows, 2, axis=0)[::2], rows[:, ::-1].copy()):
        given = same[:, ::-1] if same[0, 0] != rows[0, 0] else same
        assert np.array_equal(program.predict(given, None), expected)
    one_by_one = [program.predict(rows[index : index + 1], None) for index in range(50)]
    assert np.array_equal(np.concatenate(one_by_one), expected[:50])


def test_rows_of_another_shape_are_refused(forest: RandomForestClassifier, tmp_path: Path) -> None:
    program = Twins.of(forest, "predict", X, tmp_path).program

    for rows in (np.zeros((0, 5)), np.zeros((1, 4)), np.zeros(5), np.zeros((1, 1, 5))):
        with pytest.raises(ValueError):  # noqa: PT011
            forest.predict(rows)
        with pytest.raises(ValueError):  # noqa: PT011
            program.predict(rows, None)


def test_a_leaf_of_minus_zero_stays_one(tmp_path: Path) -> None:
    model = DecisionTreeRegressor().fit(X, np.where(TWO, -0.0, 1.0))

    predicted = Twins.of(model, "predict", X, tmp_path).program.predict(X.to_numpy(), None)

    assert np.array_equal(np.signbit(predicted), np.signbit(model.predict(X)))


@pytest.mark.parametrize(
    "model",
    [
        RandomForestRegressor(9, random_state=0),
        ExtraTreesClassifier(9, random_state=0),
        HistGradientBoostingClassifier(max_iter=6, categorical_features=["c2"], max_bins=30),
    ],
)
def test_a_machine_without_the_native_library_gets_the_same_bits(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = X.assign(c2=np.random.default_rng(1).integers(0, 20, 250))
    model.fit(frame, MANY)
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")

    assert_same_bits(model, "predict", frame, tmp_path)


def test_what_is_not_known_to_be_equal_is_not_converted() -> None:
    slow = GradientBoostingRegressor(init=LinearRegression(), n_estimators=2).fit(X, VALUES)
    with pytest.raises(NotConvertible, match="init estimator"):
        convert(slow, "predict", Builder())

    outputs = RandomForestClassifier(2).fit(X, np.c_[THREE, TWO])
    with pytest.raises(NotConvertible, match="predict_proba"):
        convert(outputs, "predict_proba", Builder())

    class Tuned(RandomForestClassifier):  # type: ignore[misc]
        def predict(self, data: Any) -> Any:
            return None

    with pytest.raises(NotConvertible, match="Tuned"):
        convert(Tuned(2).fit(X, WORDS), "predict", Builder())

    older = IsolationForest(n_estimators=2).fit(X)
    del older._decision_path_lengths
    with pytest.raises(NotConvertible, match=r"no release known here.*_decision_path_lengths"):
        convert(older, "predict", Builder())


def test_equal_models_make_equal_files(forest: RandomForestClassifier, tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Twins.of(forest, "predict", X, tmp_path / name)
        files.append((tmp_path / name / "predict.arrays").read_bytes())

    assert files[0] == files[1]


def test_a_compiled_forest_predicts_without_its_library(
    forest: RandomForestClassifier, tmp_path: Path
) -> None:
    Twins.of(forest, "predict", X, tmp_path)
    code = (
        "import sys, numpy; from pathlib import Path;"
        "from handler.engines.program import read_program;"
        f"program = read_program(Path({str(tmp_path / 'predict.arrays')!r}));"
        "print(program.predict(numpy.zeros((1, 5)), None)[0],"
        " sorted({'sklearn', 'scipy', 'pandas', 'joblib'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == f"{forest.predict(np.zeros((1, 5)))[0]} []"
