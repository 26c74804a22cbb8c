"""Bodies that the deployments plugin makes of what MLflow hands over."""

import io
import json
from typing import Any

import numpy as np
import pandas
import pyarrow
import pytest
from mlflow.exceptions import MlflowException

from packager.mlflow_plugin.predictions import request_body

TABLE = {"columns": ["a", "b"], "data": [[1, "x"], [None, "y"]]}


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": TABLE},
        {"dataframe_split": TABLE, "params": {"top_k": 5, "temperature": 0.5}},
        {"dataframe_split": TABLE, "params": {"top_k": 5, "stop": ["a", "b"]}},
        {"dataframe_split": TABLE, "params": {"is_sampled": True, "name": "x", "stop": None}},
        {"dataframe_split": TABLE, "params": {"data": 5}},
        {"dataframe_split": TABLE, "params": {}},
        {"dataframe_records": [{"a": 1}, {"a": None}]},
        {"dataframe_records": [{"zip": "007"}]},
        {"instances": [[1, 2], [3, 4]]},
        {"instances": [{"a": 1}, {"a": 2}]},
        {"inputs": [[1.0, None], [2.0, 3.0]]},
        {"inputs": {"a": [1, 2], "b": [0.5, None], "c": ["007"]}},
        {"inputs": {"0": [1, 2], "1": [3, 4]}},
        {"inputs": {"0": [1, 2], "1": [3, 4]}, "params": {"top_k": 5}},
        {"inputs": []},
    ],
)
def test_a_body_that_was_read_as_a_table_is_a_body_again(body: dict[str, Any]) -> None:
    read = pandas.read_json(io.StringIO(json.dumps(body)))

    assert json.loads(request_body(read)) == body


def test_a_table_is_sent_whole_with_null_for_what_is_missing() -> None:
    table = pandas.DataFrame(
        {
            "number": [1.5, np.nan],
            "time": [pandas.Timestamp("2020-01-01"), pandas.NaT],
            "whole": pandas.array([1, pandas.NA], dtype="Int64"),
            "text": ["x", None],
        },
        index=[7, 9],
    )

    assert json.loads(request_body(table)) == {
        "dataframe_split": {
            "index": [7, 9],
            "columns": ["number", "time", "whole", "text"],
            "data": [[1.5, "2020-01-01T00:00:00", 1, "x"], [None] * 4],
        }
    }


@pytest.mark.parametrize(
    "table",
    [
        pandas.DataFrame({"inputs": ["a", "b"]}),
        pandas.DataFrame({"inputs": ["a", "b"]}, index=[7, 9]),
        pandas.DataFrame({"inputs": ["a", "b"]}, index=["x", "y"]),
        pandas.DataFrame({"inputs": ["a", "b"], "params": [1, 2]}),
        pandas.DataFrame({"inputs": [[1], [2]], "params": [1, 2]}),
        pandas.DataFrame({"inputs": [[1], [2]], "other": [1, 2]}),
        pandas.DataFrame({"params": [1, 2]}),
    ],
)
def test_a_table_may_have_columns_of_a_bodys_names(table: pandas.DataFrame) -> None:
    assert json.loads(request_body(table)) == {"dataframe_split": table.to_dict(orient="split")}


@pytest.mark.parametrize(
    ("inputs", "body"),
    [
        (np.array([[1.0, np.nan]]), {"inputs": [[1.0, None]]}),
        ({"a": np.array([1, 2])}, {"inputs": {"a": [1, 2]}}),
        ({"instances": [1], "params": {"k": 2}}, {"instances": [1], "params": {"k": 2}}),
        ("text", {"inputs": "text"}),
        ({"inputs": [pandas.NaT, pandas.NA]}, {"inputs": [None, None]}),
        (
            np.array([["2020-01-01", "NaT"]], dtype="datetime64[ns]"),
            {"inputs": [["2020-01-01T00:00:00", None]]},
        ),
    ],
)
def test_what_is_no_table_is_sent_as_it_is(inputs: Any, body: dict[str, Any]) -> None:
    assert json.loads(request_body(inputs)) == body


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (np.array([np.inf]), "the inputs hold Infinity"),
        ({"inputs": {1}}, "type set"),
        (pyarrow.table({"a": [1]}), "type Table"),
    ],
)
def test_what_json_has_no_word_for_is_refused(inputs: Any, words: str) -> None:
    with pytest.raises(MlflowException, match=words) as raised:
        request_body(inputs)

    assert raised.value.error_code == "INVALID_PARAMETER_VALUE"
