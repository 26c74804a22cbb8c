import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from handler.errors import HandlerError, MalformedRequest, SignatureMismatch
from tests.support.scorers import Recorder, column, received, scorer

NUMBERS = (column("double", "a"), column("long", "b"))
SPLIT = {"columns": ["b", "a", "zz"], "data": [[1, 0.5, None], [2, 1, "x"]]}


def message_for(request: dict[str, Any], *inputs: dict[str, Any]) -> str:
    with pytest.raises(HandlerError) as caught:
        received(request, *inputs)
    return caught.value.message


@pytest.mark.parametrize(
    "request_body",
    [
        {"dataframe_split": SPLIT},
        {"dataframe_records": [{"b": 1, "a": 0.5}, {"a": 1, "b": 2, "zz": 3}]},
        {"inputs": [{"a": 0.5, "b": 1}, {"a": 1, "b": 2}]},
        {"inputs": {"b": [1, 2], "a": [0.5, 1]}},
        {"instances": [{"a": 0.5, "b": 1}, {"a": 1, "b": 2}]},
        {"instances": {"b": [1, 2], "a": [0.5, 1]}},
    ],
)
def test_every_format_gives_the_frame_of_the_signature(request_body: dict[str, Any]) -> None:
    expected = pd.DataFrame({"a": [0.5, 1.0], "b": [1, 2]})
    pd.testing.assert_frame_equal(received(request_body, *NUMBERS), expected)


def test_csv_gives_the_frame_of_the_signature() -> None:
    model = Recorder()
    scorer(model, *NUMBERS).score(b"b,a\n1,0.5\n2,1\n", "text/csv")
    expected = pd.DataFrame({"a": [0.5, 1.0], "b": [1, 2]})
    pd.testing.assert_frame_equal(model.data, expected)


def test_parquet_gives_the_frame_of_the_signature(tmp_path: Any) -> None:
    frame = pd.DataFrame({"a": [0.5, 1.0], "b": [1, 2]})
    frame.to_parquet(tmp_path / "rows.parquet")
    model = Recorder()
    body = (tmp_path / "rows.parquet").read_bytes()
    scorer(model, *NUMBERS).score(body, "application/vnd.apache.parquet")
    pd.testing.assert_frame_equal(model.data, frame)


def test_all_double_frame_has_the_memory_layout_of_pandas() -> None:
    inputs = [column("double", name) for name in "abc"]
    rows = [[1.5, 2, 3], [4, 5, 6]]
    frame = received({"dataframe_split": {"columns": list("abc"), "data": rows}}, *inputs)
    plain = pd.DataFrame(
        {name: pd.Series([float(r[i]) for r in rows]) for i, name in enumerate("abc")}
    )
    assert frame.to_numpy().flags["F_CONTIGUOUS"] == plain.to_numpy().flags["F_CONTIGUOUS"]
    pd.testing.assert_frame_equal(frame, plain)


def test_index_of_a_split_reaches_the_model() -> None:
    split = {"columns": ["a"], "data": [[1.0], [2.0]], "index": ["p", "q"]}
    assert list(received({"dataframe_split": split}, column("double", "a")).index) == ["p", "q"]


@pytest.mark.parametrize(
    ("type_name", "given", "becomes"),
    [
        ("double", "1.5", 1.5),
        ("double", True, 1.0),
        ("long", 2.7, 2),
        ("long", "3", 3),
        ("integer", 2**40, 0),
        ("boolean", "false", True),
        ("boolean", 0, False),
        ("boolean", None, None),
        ("string", None, None),
        ("string", 1, 1),
        ("binary", "AP9oaQ==", b"\x00\xffhi"),
        (
            "datetime",
            "2024-01-02T03:04:05.123456789",
            pd.Timestamp("2024-01-02T03:04:05.123456789"),
        ),
        ("datetime", "01/02/2024", pd.Timestamp("2024-01-02")),
    ],
)
def test_frame_values_are_cast_as_mlflow_casts_them(
    type_name: str, given: Any, becomes: Any
) -> None:
    frame = received({"dataframe_records": [{"x": given}]}, column(type_name, "x"))
    cell = frame["x"].iloc[0]
    assert cell == becomes or (pd.isna(cell) and becomes is None)


def test_missing_double_is_nan() -> None:
    frame = received({"dataframe_records": [{"x": None}, {"x": 1}]}, column("double", "x"))
    assert frame["x"].isna().tolist() == [True, False]
    assert frame["x"].dtype == np.float64


def test_optional_column_may_be_absent() -> None:
    inputs = (column("double", "a"), column("double", "b", required=False))
    assert list(received({"dataframe_records": [{"a": 1.0}]}, *inputs).columns) == ["a"]


def test_unnamed_columns_go_by_position_and_extra_ones_are_cut() -> None:
    inputs = (column("double"), column("double"))
    frame = received({"inputs": [[1, 2.0, 3.0]]}, *inputs)
    assert frame.to_numpy().tolist() == [[1.0, 2.0]]


def test_model_without_signature_gets_the_frame_as_it_is() -> None:
    frame = received({"dataframe_split": {"data": [[1, "x"]]}})
    assert frame.to_numpy().tolist() == [[1, "x"]]


def test_missing_and_unknown_columns_are_named() -> None:
    message = message_for({"dataframe_records": [{"A": 1.0, "b": 1}]}, *NUMBERS)
    assert message.endswith("it lacks 'a' and has the unknown 'A'.")


def test_bad_value_is_named_by_column_and_row_and_not_quoted() -> None:
    records = [{"a": 1.0, "b": 1}] * 5 + [{"a": "secret", "b": 1}]
    message = message_for({"dataframe_records": records}, *NUMBERS)
    assert message == "Column 'a', row index 5: a string cannot become double."


def test_missing_integer_is_named_by_row() -> None:
    message = message_for({"dataframe_records": [{"a": 1.0, "b": 1}, {"a": 1.0}]}, *NUMBERS)
    assert message == "Column 'b', row index 1: a missing value cannot become long."


def test_column_given_twice_is_refused() -> None:
    split = {"columns": ["a", "a"], "data": [[1.0, 2.0]]}
    with pytest.raises(SignatureMismatch, match="column 'a': it is there more than once"):
        received({"dataframe_split": split}, column("double", "a"))


def test_column_given_twice_with_values_that_do_not_fit_is_named() -> None:
    split = {"columns": ["a", "a"], "data": [["x", "y"]]}
    with pytest.raises(MalformedRequest, match="Column 'a' cannot become double"):
        received({"dataframe_split": split}, column("double", "a"))


def test_time_zone_in_a_frame_is_refused_with_what_to_do() -> None:
    record = {"x": "2024-01-02T03:04:05Z"}
    with pytest.raises(SignatureMismatch, match="send it in UTC, without"):
        received({"dataframe_records": [record]}, column("datetime", "x"))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"dataframe_split": []}, "must be an object, not a list"),
        ({"dataframe_split": {"columns": ["a"]}}, "must have the key 'data'"),
        ({"dataframe_split": {"data": [], "dtypes": []}}, "it has 'dtypes'"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "is no table"),
        ({"dataframe_records": {"a": 1}}, "must be a list, not an object"),
        ({"dataframe_records": 5}, "must be a list, not an integer"),
        ({"dataframe_records": [{"a": 1}, 5]}, "must be a list of objects"),
    ],
)
def test_broken_frames_are_refused(payload: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedRequest, match=reason):
        received(payload, *NUMBERS)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "its first line must be the header"),
        (b"a,b\n1,2\n1,2,3\n", "Expected 2 fields in line 3, saw 3"),
        (b"a,b\n1,2.5\n", "Column 'b' of the CSV has a cell"),
        (b"a,b\nsecret,2\n", "Column 'a' of the CSV has a cell"),
        (b"a,b\n1,\n", "that is no long"),
        (b"a\xff\n", "not UTF-8: see byte 1"),
    ],
)
def test_broken_csv_is_refused_without_quoting_it(body: bytes, reason: str) -> None:
    with pytest.raises(HandlerError) as caught:
        scorer(Recorder(), *NUMBERS).score(body, "text/csv")
    assert reason in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    "item",
    [
        column("datetime", "x"),
        column("array", "x", items={"type": "double"}),
        {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}},
    ],
)
def test_csv_says_what_it_cannot_carry(item: dict[str, Any]) -> None:
    with pytest.raises(MalformedRequest, match="send JSON"):
        scorer(Recorder(), item).score(b"x\n1\n", "text/csv")


def test_bad_cell_of_unnamed_columns_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="not of its column's type"):
        scorer(Recorder(), column("double")).score(b"x\nsecret\n", "text/csv")


def test_nulls_among_numbers_and_texts_stay_missing() -> None:
    inputs = (column("double", "d"), column("float", "f"), column("string", "s"))
    rows = [{"d": None, "f": 0.5, "s": "a"}, {"d": 1, "f": None, "s": None}]
    frame = received({"dataframe_records": rows}, *inputs)
    assert frame.isna().to_numpy().tolist() == [[True, False, False], [False, True, True]]
    only_doubles = received({"dataframe_records": [{"d": None}, {"d": 1}]}, inputs[0])
    assert only_doubles["d"].isna().tolist() == [True, False]


@pytest.mark.parametrize("rows", [[["1", 2.0, 3.0, 4.0, 5.0, 6.0]], [[[1.0], 1, 1, 1, 1, 1]]])
def test_columns_of_every_type_but_not_plain_take_the_general_way(rows: list[Any]) -> None:
    split = {"columns": list("abcdef"), "data": rows}
    inputs = [column("double", "a"), column("float", "b")]
    if isinstance(rows[0][0], list):
        with pytest.raises(MalformedRequest, match="a list cannot become double"):
            received({"dataframe_split": split}, *inputs)
    else:
        assert received({"dataframe_split": split}, *inputs).to_numpy().tolist() == [[1.0, 2.0]]


def test_null_in_an_unnamed_list_column_is_refused() -> None:
    item = column("array", items={"type": "double"})
    for labels in ([0], ["x"]):
        split = {"columns": labels, "data": [[None]]}
        with pytest.raises(HandlerError, match="a list was expected, not null"):
            received({"dataframe_split": split}, item)


def test_bad_parquet_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="cannot be read as parquet"):
        scorer(Recorder(), *NUMBERS).score(b"PAR1", "application/vnd.apache.parquet")


def test_body_of_an_unforeseen_shape_is_the_callers_fault() -> None:
    # An object cannot be the name of a column; pandas finds out late.
    split = {"columns": [{"a": 1}], "data": [["secret"]]}
    body = json.dumps({"dataframe_split": split}).encode()
    with pytest.raises(MalformedRequest, match="The body's dataframe_split cannot be read"):
        scorer(Recorder(), *NUMBERS).score(body, None)
