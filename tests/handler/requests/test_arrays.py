import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from handler.errors import HandlerError, MalformedRequest, SignatureMismatch
from tests.support.scorers import Recorder, column, received, scorer, tensor

TEXT_AND_FLAG = (column("string", "x"), column("boolean", "b"))


def test_numbers_become_the_tensors_dtype() -> None:
    array = received({"inputs": [[5, 3], [1, 0]]}, tensor("float32", [-1, 2]))
    assert array.dtype == np.float32
    assert array.tolist() == [[5.0, 3.0], [1.0, 0.0]]


@pytest.mark.parametrize("key", ["inputs", "instances"])
def test_named_tensors_become_a_dict_of_arrays(key: str) -> None:
    items = (tensor("float32", [-1, 2], "a"), tensor("int64", [-1], "b"))
    data = received({key: {"b": [1, 2], "a": [[1, 2], [3, 4]], "zz": [0, 0]}}, *items)
    assert list(data) == ["a", "b"]
    assert (data["a"].dtype, data["b"].dtype) == (np.float32, np.int64)


def test_rows_of_named_tensors_are_stacked() -> None:
    rows = [{"a": [1, 2]}, {"a": [3, 4]}]
    data = received({"instances": rows}, tensor("float64", [-1, 2], "a"))
    assert data["a"].tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("rows", "shape"),
    [([[1, 2], [3, 4]], [-1, 2]), ([[[1, 2]], [[3, 4]]], [-1, 2]), ([[1], [2]], [-1, 1])],
)
def test_frames_are_reshaped_to_tensors(rows: list[Any], shape: list[int]) -> None:
    data = received({"dataframe_split": {"data": rows}}, tensor("float64", shape))
    assert data.dtype == np.float64
    assert data.shape == (2, shape[1])


def test_ragged_lists_pass_where_the_signature_allows_objects() -> None:
    data = received({"inputs": ["a", 1, None]}, tensor("object", [-1]))
    assert data.tolist() == ["a", 1, None]


@pytest.mark.parametrize(
    ("payload", "item", "reason"),
    [
        ([1.0, 2.0], tensor("float64", [-1, 2]), "shape (2,), which must be (-1, 2)"),
        ([[1.0, 2.0, 3.0]], tensor("float64", [-1, 2]), "shape (1, 3), which must be (-1, 2)"),
        ([{"a": 1}], tensor("float64", [-1, 2]), "must be an array, not a list"),
        ({"b": [1.0]}, tensor("float64", [-1], "a"), "lacks 'a'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    payload: Any, item: dict[str, Any], reason: str
) -> None:
    with pytest.raises(SignatureMismatch) as caught:
        received({"inputs": payload}, item)
    assert reason in caught.value.message


@pytest.mark.parametrize(
    ("rows", "shape", "reason"),
    [
        ([], [-1, 2], "the table is empty"),
        ([[1, 2, 3]], [-1, 2], "3 columns is no array of shape (-1, 2)"),
        ([[1]], [-1, 2], "has single values"),
        ([[[1, 2, 3]]], [-1, 2], "do not make up shape"),
        ([[[[1], [2]]]], [-1, 2], "single values or flat lists"),
        ([[1]], [2, 2], "cannot have shape"),
    ],
)
def test_frames_that_make_no_tensor_are_refused(
    rows: list[Any], shape: list[int], reason: str
) -> None:
    with pytest.raises(HandlerError) as caught:
        received({"dataframe_split": {"data": rows}}, tensor("float64", shape))
    assert reason in caught.value.message


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ([["x"]], "holds a value that cannot become float64"),
        ([[1.0], [1.0, 2.0]], "its lists differ in length"),
        ({"a": 1}, "has no name: send a list or a single value, not an object"),
        (None, "not null"),
    ],
)
def test_values_that_make_no_array_are_refused(payload: Any, reason: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        received({"inputs": payload}, tensor("float64", [-1, 1]))
    assert reason in caught.value.message


def test_without_signature_lists_and_objects_become_arrays() -> None:
    assert received({"inputs": [[1, 2]]}).tolist() == [[1, 2]]
    assert received({"inputs": {"a": [1, 2]}})["a"].tolist() == [1, 2]
    assert received({"instances": [{"a": 1}, {"a": 2}]})["a"].tolist() == [1, 2]
    assert received({"inputs": []}) == []


def test_bare_list_is_the_values_of_the_only_column() -> None:
    frame = received({"inputs": [1, 2]}, column("double", "x"))
    assert frame["x"].tolist() == [1.0, 2.0]


def test_object_of_scalars_is_one_row() -> None:
    frame = received({"inputs": {"x": 1, "s": "a"}}, column("double", "x"), column("string", "s"))
    assert frame.to_dict("records") == [{"x": 1.0, "s": "a"}]


@pytest.mark.parametrize(
    ("type_name", "given", "becomes"),
    [
        ("string", 1.5, "1.5"),
        ("string", None, None),
        ("boolean", None, None),
        ("boolean", "false", True),
        ("binary", "AP9oaQ==", b"AP9oaQ=="),
        ("long", 1.5, 1),
        ("float", 0.1, 0.10000000149011612),
        ("datetime", "2024-01-02", pd.Timestamp("2024-01-02")),
    ],
)
def test_array_values_are_cast_as_mlflow_casts_them(
    type_name: str, given: Any, becomes: Any
) -> None:
    frame = received({"inputs": {"x": [given]}}, column(type_name, "x"))
    cell = frame["x"].iloc[0]
    assert cell == becomes or (pd.isna(cell) and becomes is None)


def test_integer_out_of_bounds_is_refused_where_a_frame_wraps_it() -> None:
    with pytest.raises(
        MalformedRequest, match="Input 'x' holds a value that cannot become integer"
    ):
        received({"inputs": {"x": [2**40]}}, column("integer", "x"))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"a": [1.0, 2.0], "b": [1.0]}, "have different lengths"),
        ([{"a": 1.0, "b": 1.0}, 5], "mixes objects with an integer"),
        ({"a": 1.0, "b": [1.0, 2.0]}, "Each input in instances must be a list"),
        ([{"a": [1.0]}, {"a": [1.0, 2.0]}], "The instances of an input differ in shape"),
    ],
)
def test_uneven_instances_are_refused(payload: Any, reason: str) -> None:
    items = (tensor("float64", [-1], "a"), tensor("float64", [-1], "b"))
    with pytest.raises(MalformedRequest, match=reason):
        received({"instances": payload}, *items)


def test_lists_without_signature_must_be_regular() -> None:
    with pytest.raises(MalformedRequest, match="The input is no array: its lists differ"):
        received({"inputs": [[1], [1, 2]]})


def test_missing_texts_stay_missing_in_arrays() -> None:
    frame = received({"inputs": {"x": [None, "a"], "b": [True, None]}}, *TEXT_AND_FLAG)
    assert frame["x"].isna().tolist() == [True, False]
    assert frame["b"].tolist() == [True, None]


def test_missing_text_of_a_record_stays_missing() -> None:
    frame = received({"inputs": [{"x": None, "b": None}]}, *TEXT_AND_FLAG)
    assert frame.isna().to_numpy().tolist() == [[True, True]]


def test_texts_alone_are_one_row() -> None:
    items = (column("string", "x"), column("string", "y"))
    frame = received({"inputs": {"x": "a", "y": "b"}}, *items)
    assert frame.to_dict("records") == [{"x": "a", "y": "b"}]


def test_lists_in_cells_must_be_as_many_as_rows() -> None:
    split = {"columns": ["x"], "data": [[[1, 2, 3, 4]], [[1, 2, 3, 4]]]}
    with pytest.raises(SignatureMismatch, match="do not make up shape"):
        received({"dataframe_split": split}, tensor("float64", [-1, 2], "x"))


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(SignatureMismatch, match="its inputs differ in length"):
        received({"inputs": {"x": ["a"], "b": [True, False]}}, *TEXT_AND_FLAG)


def test_array_of_arrays_is_no_column() -> None:
    with pytest.raises(SignatureMismatch, match="column 'x'"):
        received({"inputs": {"x": [[1], [2]]}}, column("double", "x"))


@pytest.mark.parametrize("request_body", [{"inputs": 5}, {"inputs": "a"}])
def test_single_value_is_one_unnamed_row(request_body: dict[str, Any]) -> None:
    type_name = "double" if request_body["inputs"] == 5 else "string"
    frame = received(request_body, column(type_name))
    assert frame.to_numpy().tolist() == [[request_body["inputs"]]]


@pytest.mark.parametrize(
    ("dtype", "given", "becomes"),
    [("bytes", "ab", b"ab"), ("str", "ab", "ab"), ("int64", "7", 7), ("object", "ab", "ab")],
)
def test_cells_of_frames_become_the_tensors_dtype(dtype: str, given: str, becomes: Any) -> None:
    data = received({"dataframe_records": [{"x": given}]}, tensor(dtype, [-1], "x"))
    assert data["x"].tolist() == [becomes]


def test_frame_value_that_is_not_of_the_tensors_dtype_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="Column 'x', row index 1: a string cannot become"):
        received({"dataframe_records": [{"x": 1}, {"x": "a"}]}, tensor("int64", [-1], "x"))


def test_array_for_the_only_named_tensor_is_taken() -> None:
    item = tensor("float64", [-1, 2], "a")
    assert received({"inputs": [[1, 2]]}, item)["a"].tolist() == [[1.0, 2.0]]


def test_scalar_for_named_tensors_is_refused() -> None:
    items = (tensor("float64", [-1], "a"), tensor("float64", [-1], "b"))
    with pytest.raises(SignatureMismatch, match="it needs an object of arrays"):
        received({"inputs": "x"}, tensor("object", [-1], "a"), tensor("object", [-1], "b"))
    llm = scorer(Recorder(), tensor("float64", [-1], "messages"))
    with pytest.raises(SignatureMismatch, match="input 'messages' must be an array, not a list"):
        llm.score(b'{"messages": [1]}', None)
    with pytest.raises(SignatureMismatch, match="it lacks 'b'"):
        received({"dataframe_records": [{"a": 1.0}]}, *items)


def test_instances_without_rows_of_objects_are_as_inputs() -> None:
    assert received({"instances": [[1, 2]]}, tensor("float64", [-1, 2])).tolist() == [[1.0, 2.0]]


def test_anything_is_left_alone_in_arrays() -> None:
    frame = received({"inputs": [{"x": {"k": [1, "a"]}}]}, column("any", "x"))
    assert frame["x"].iloc[0] == {"k": [1, "a"]}


def test_lists_and_maps_in_arrays_are_enforced() -> None:
    items = (
        column("array", "a", items={"type": "double"}),
        column("map", "m", values={"type": "long"}),
    )
    frame = received({"inputs": [{"a": [1.5], "m": {"k": 1}}]}, *items)
    assert (frame["a"].iloc[0].tolist(), frame["m"].iloc[0]) == ([1.5], {"k": 1})
    with pytest.raises(MalformedRequest, match="Input 'm' does not fit map to long: an object was"):
        received({"inputs": [{"a": [1.5], "m": [1]}]}, *items)


def test_texts_of_records_are_text() -> None:
    frame = received({"inputs": [{"x": "a", "b": True}]}, *TEXT_AND_FLAG)
    assert frame.to_dict("records") == [{"x": "a", "b": True}]
    frame = received({"inputs": {"x": ["a"], "b": [True]}}, *TEXT_AND_FLAG)
    assert frame.to_dict("records") == [{"x": "a", "b": True}]


def test_llm_answers_are_not_wrapped() -> None:
    model = Recorder({"choices": []})
    result = scorer(model).score(b'{"messages": [{"role": "user"}]}', "application/json")
    assert json.loads(result.body) == {"choices": []}
    assert model.data == {"messages": [{"role": "user"}]}


def test_llm_request_with_a_signature_is_one_row() -> None:
    model = Recorder("hello")
    target = scorer(model, column("string", "prompt"), column("string", "system", required=False))
    assert target.score(b'{"prompt": "hi", "system": "be kind"}', None).body == b'"hello"'
    assert model.data.to_dict("records") == [{"prompt": "hi", "system": "be kind"}]
    target.score(b'{"prompt": ["a", "b"]}', None)
    assert model.data["prompt"].iloc[0] == ["a", "b"]


def test_single_value_for_the_only_named_tensor_must_fit_its_shape() -> None:
    with pytest.raises(SignatureMismatch, match="input 'a' has shape"):
        received({"inputs": 5}, tensor("float64", [-1], "a"))
