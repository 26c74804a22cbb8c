import datetime
import decimal
import json
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

from handler.errors import UnserializablePrediction
from handler.requests.encode import encode_predictions


@pytest.mark.parametrize(
    ("predictions", "body"),
    [
        (np.array([0, 1], dtype="int64"), "[0, 1]"),
        (np.array([0.1, 1e-20, 3.0]), "[0.1, 1e-20, 3.0]"),
        (np.array([0.1], dtype="float32"), "[0.10000000149011612]"),
        (np.array([[1.0, 2.0]]), "[[1.0, 2.0]]"),
        (np.array(7.5), "7.5"),
        (np.array([True, False]), "[true, false]"),
        (np.array(["a", "é"]), '["a", "\\u00e9"]'),
        (np.array(["a", 1, None], dtype=object), '["a", 1, null]'),
        (np.array([np.nan, np.inf, -np.inf]), "[NaN, Infinity, -Infinity]"),
        (np.array([b"ab"]), '["YWI=\\n"]'),
        ([np.float32(0.5), np.int64(3), np.bool_(True)], "[0.5, 3, true]"),
        ({"p": np.array([0.25]), "n": np.int64(1)}, '{"p": [0.25], "n": 1}'),
        ({1: "a"}, '{"1": "a"}'),
        ((1, "a"), '[1, "a"]'),
        ("text", '"text"'),
        (None, "null"),
        (2**70, str(2**70)),
        (b"ab", '"YWI=\\n"'),
        (datetime.datetime(2024, 1, 2, 3, 4, 5), '"2024-01-02T03:04:05"'),
        (datetime.date(2024, 1, 2), '"2024-01-02"'),
        (datetime.time(3, 4), '"03:04:00"'),
        (pd.Timestamp("2024-01-02T03:04:05Z"), '"2024-01-02T03:04:05+00:00"'),
        (pd.NaT, '"NaT"'),
        (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), '[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]'),
        (pd.DataFrame([[1, 2]]), '[{"0": 1, "1": 2}]'),
        (pd.DataFrame({"a": []}), "[]"),
        (pd.Series([1.5], name="score"), '[{"score": 1.5}]'),
        (pd.Series([1.5]), '[{"0": 1.5}]'),
    ],
)
def test_predictions_are_written_as_mlflow_writes_them(predictions: Any, body: str) -> None:
    assert encode_predictions(predictions) == f'{{"predictions": {body}}}'.encode()


def test_pydantic_models_are_written_as_objects() -> None:
    from pydantic import BaseModel

    class Label(BaseModel):
        name: str

    assert encode_predictions([Label(name="a")]) == b'{"predictions": [{"name": "a"}]}'


def test_bare_answers_have_no_key_around_them() -> None:
    assert encode_predictions({"choices": [1]}, wrapped=False) == b'{"choices": [1]}'


def test_models_without_numpy_and_pandas_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("numpy", "pandas", "pydantic"):
        monkeypatch.setitem(sys.modules, library, None)
    assert encode_predictions([1, b"ab"]) == b'{"predictions": [1, "YWI=\\n"]}'
    with pytest.raises(UnserializablePrediction, match="set"):
        encode_predictions({1})


def test_doubles_come_back_bit_for_bit() -> None:
    values = np.random.default_rng(7).normal(size=1000) * 1e-7
    assert json.loads(encode_predictions(values))["predictions"] == values.tolist()


@pytest.mark.parametrize(
    ("predictions", "named"),
    [
        (decimal.Decimal("1.5"), "Decimal"),
        ([{1}], "set"),
        (np.array([1 + 2j]), "complex"),
        (datetime.timedelta(seconds=1), "timedelta"),
        ({(1, 2): "a"}, "tuple"),
        ([pd.DataFrame({"a": [1]})], "DataFrame"),
    ],
)
def test_predictions_without_a_json_form_name_their_type(predictions: Any, named: str) -> None:
    with pytest.raises(UnserializablePrediction) as caught:
        encode_predictions(predictions)
    assert named in caught.value.message
    assert caught.value.status == 500


def test_prediction_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(UnserializablePrediction):
        encode_predictions(loop)
