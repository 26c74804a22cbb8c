"""Models without a signature: compiled from what they know, and asked the same as their twins."""

import pickle
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from handler.loaders.load import load_model
from handler.manifest import EngineInfo, ModelInfo
from handler.predictor import RegularData
from handler.requests.envelope import Envelope
from handler.requests.fast_unsigned import UnsignedReader
from handler.requests.scorer import Scorer
from packager.engine.converter.engine_choice import choose_engine
from packager.engine.converter.equality import DifferentError
from packager.engine.converter.learned import learned_by
from packager.engine.converter.probes import compare_answers
from packager.engine.converter.sample import find_sample

NAMES = ["a", "b", "c"]
INFO = ModelInfo("sklearn", "model.pkl", "pickle")
RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(200, 3))
LABELS = (ROWS.sum(axis=1) > 0).astype(int)
FRAME = pd.DataFrame(ROWS, columns=NAMES)
CITIES = FRAME[["a"]].assign(city=RANDOM.choice(["oslo", "rome"], 200), b=FRAME["b"])


def forest(data: Any) -> RandomForestClassifier:
    return RandomForestClassifier(5, random_state=0).fit(data, LABELS)


def cities() -> Any:
    text = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
    columns = make_column_transformer((text, ["city"]), (StandardScaler(), ["a"]))
    return make_pipeline(columns, LogisticRegression()).fit(CITIES, LABELS)


def choose(model: Any, folder: Path) -> tuple[EngineInfo, Scorer, Scorer]:
    """Return the engine, and what answers for the model: as it was logged, and as it is chosen."""
    (folder / "model").mkdir(exist_ok=True)
    (folder / "model" / "model.pkl").write_bytes(pickle.dumps(model))
    predictor: Any = load_model(folder / "model", INFO)
    engine = choose_engine(
        predictor,
        INFO,
        wanted="arrays",
        tolerance=1e-12,
        count=10_000,
        rewrites=False,
        folder=folder,
        learned=learned_by(predictor.model),
    )
    chosen = replace(INFO, engine=engine)
    found = Scorer(load_model(folder / "model", chosen), chosen)
    return engine, Scorer(predictor, INFO), found


def sample(model: Any, **more: Any) -> Any:
    info = replace(INFO, **more)

    class Predictor:
        def predict(self, data: Any, params: Any) -> Any:
            return model.predict(data)

    return find_sample(Scorer(Predictor(), info), info, learned_by(model))


@pytest.mark.parametrize(
    ("model", "kind", "names"),
    [
        (forest(ROWS), "array", None),
        (forest(FRAME), "array", ("a", "b", "c")),
        (KMeans(3, random_state=0).fit(FRAME), "array", ("a", "b", "c")),
        (cities(), "columns", ("a", "city", "b")),
    ],
    ids=["rows", "names", "clusters", "columns"],
)
def test_what_a_model_knows_of_its_input_is_enough_to_compile_it(
    model: Any, kind: str, names: Any, tmp_path: Path
) -> None:
    engine, _, _ = choose(model, tmp_path)

    assert (engine.name, engine.input_kind, engine.names) == ("arrays", kind, names)
    assert engine.max_difference == 0.0
    assert engine.compared_rows >= 10_000


@pytest.mark.parametrize(
    ("body", "is_taken"),
    [
        (b'{"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2.5, 3]]}}', True),
        (b'{"dataframe_split": {"columns": ["b", "a", "c"], "data": [[1, 2.5, 3]]}}', False),
        (b'{"dataframe_split": {"data": [["1.5", 2.5, 3]]}}', True),
        (b'{"inputs": [[1, 2, 3]]}', True),
        (b'{"inputs": [[1, 2]]}', False),
        (b'{"instances": [{"a": 1, "b": 2, "c": 3}]}', False),
        (b'{"inputs": []}', False),
    ],
)
def test_a_compiled_model_takes_and_refuses_what_its_library_does(
    body: bytes, is_taken: bool, tmp_path: Path
) -> None:
    _, logged, compiled = choose(forest(FRAME), tmp_path)

    def answer(scorer: Scorer) -> bytes | str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return scorer.score(body, "application/json").body
            except Exception as error:
                return str(error)

    assert answer(compiled) == answer(logged)
    assert isinstance(answer(compiled), bytes) == is_taken


def test_twins_that_differ_in_one_refusal_are_told_apart(tmp_path: Path) -> None:
    _, named, _ = choose(forest(FRAME), tmp_path)
    (tmp_path / "other").mkdir()
    _, _, compiled = choose(forest(ROWS), tmp_path / "other")
    with pytest.raises(DifferentError, match="otherwise"):
        compare_answers(named, compiled, NAMES, [[0.5, 1.0, 1.5], [1.0, 0.5, 0.0]])


def test_what_cannot_be_reproduced_keeps_the_logged_model(tmp_path: Path) -> None:
    # AdaBoost hands objects on to its trees without a look at them.
    engine, _, _ = choose(AdaBoostClassifier(n_estimators=3).fit(FRAME, LABELS), tmp_path)
    assert engine.name == "exact"
    assert "without signature otherwise" in engine.reason


def test_an_exact_model_needs_no_pandas_for_regular_requests(tmp_path: Path) -> None:
    engine, _, _ = choose(SVC().fit(FRAME, LABELS), tmp_path)
    assert (engine.name, engine.input_kind, engine.width) == ("exact", "array", 3)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}, "int64"),
        ({"columns": ["a", "b"], "data": [[1, 2.5], [None, 4]]}, "float64"),
        ({"columns": ["b", "a"], "data": [[1, 2]]}, None),
        ({"columns": ["a", "b"], "data": [[1, True]]}, None),
        ({"columns": ["a", "b"], "data": [[1, None]]}, None),
        ({"columns": ["a", "b"], "data": [[1]]}, None),
        ({"columns": ["a", "b"], "data": []}, None),
        ({"data": [[1, 2]]}, None),
        (2, None),
    ],
)
def test_the_short_way_makes_what_pandas_would_or_leaves_it(payload: Any, expected: Any) -> None:
    engine = EngineInfo("arrays", input_kind="array", names=("a", "b"), width=2)
    reader = UnsignedReader.for_engine(engine)
    assert reader is not None
    data = reader.read(Envelope("dataframe_split", payload, None))
    if expected is None:
        assert data is None
        return
    assert isinstance(data, RegularData)
    frame = pd.DataFrame(payload["data"], columns=payload["columns"]).to_numpy()
    assert data.of.dtype == frame.dtype == expected
    assert data.of.flags.f_contiguous == frame.flags.f_contiguous
    np.testing.assert_array_equal(data.of, frame)


def test_a_sample_takes_categories_and_means_that_the_model_has_seen() -> None:
    found = sample(cities())
    table = found.sample["dataframe_split"]
    assert table["columns"] == ["a", "city", "b"]
    assert [row[1] for row in table["data"]] == ["oslo", "rome"]
    assert table["data"][0][0] == pytest.approx(CITIES["a"].mean(), abs=1e-5)
    # Nothing needs `b`: its absence is no mistake.
    assert found.refused_sample is None


def test_a_sample_lies_inside_the_range_of_thresholds() -> None:
    found = sample(forest(FRAME))
    for row in found.sample["dataframe_split"]["data"]:
        assert (ROWS.min(axis=0) <= row).all()
        assert (row <= ROWS.max(axis=0)).all()
    assert found.refused_sample["dataframe_split"]["columns"] == ["a", "b"]


def test_a_vectorizer_gets_words_of_its_vocabulary() -> None:
    texts = ["good day", "awful night"]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0])
    assert set(sample(model).sample["inputs"]) <= {"good", "day", "awful", "night"}


def test_a_function_that_asks_nothing_leaves_the_question_to_the_next_step() -> None:
    model = make_pipeline(FunctionTransformer(np.abs), LogisticRegression()).fit(FRAME, LABELS)
    assert sample(model).sample["dataframe_split"]["columns"] == NAMES


def test_a_signature_says_the_types_and_the_model_the_values() -> None:
    items = [
        {"type": "float", "name": "a"},
        {"type": "string", "name": "city"},
        {"type": "double", "name": "b"},
    ]
    found = sample(cities(), signature={"inputs": items})
    assert [row[1] for row in found.sample["dataframe_split"]["data"]] == ["oslo", "rome"]


def test_a_model_that_refuses_what_it_seems_to_take_is_quoted() -> None:
    class Odd(LogisticRegression):  # type: ignore[misc]
        def predict(self, data: Any) -> Any:
            raise RuntimeError("only on Sundays")

    found = sample(Odd().fit(FRAME, LABELS))
    assert found.sample is None
    assert "RuntimeError: only on Sundays" in found.sample_refusal


def test_a_model_that_says_nothing_has_no_sample() -> None:
    class Silent:
        def predict(self, data: Any) -> Any:
            return data

    assert learned_by(Silent()) is None
    assert sample(Silent()).sample is None
