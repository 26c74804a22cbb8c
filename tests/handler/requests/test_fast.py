"""The short way gives the general way's frame, or steps aside."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from handler.errors import HandlerError
from handler.manifest import InputKind
from handler.requests.arrays import data_from_inputs, data_from_instances
from handler.requests.envelope import Envelope, read_envelope
from handler.requests.fast import FastReader
from handler.requests.frames import frame_from_records, frame_from_split
from handler.signature.columns import Signature
from handler.signature.schema import parse_inputs
from tests.support.scorers import column

GENERAL_WAYS: dict[str, Any] = {
    "dataframe_split": frame_from_split,
    "dataframe_records": frame_from_records,
    "inputs": data_from_inputs,
    "instances": data_from_instances,
}
DOUBLES = (column("double", "a"), column("double", "b"))
MIXED = (column("double", "a"), column("string", "b"), column("long", "c"))


def plainly(request: dict[str, Any], *inputs: dict[str, Any]) -> pd.DataFrame | None:
    """Return what the short way makes of a request; None if it steps aside."""
    reader = FastReader.for_schema(parse_inputs(list(inputs)))
    return None if reader is None else reader.read(_envelope(request))


def generally(request: dict[str, Any], *inputs: dict[str, Any]) -> pd.DataFrame:
    envelope = _envelope(request)
    schema = parse_inputs(list(inputs))
    frame = Signature(schema).enforce(GENERAL_WAYS[envelope.format](envelope.payload, schema))
    assert isinstance(frame, pd.DataFrame)
    return frame


def _envelope(request: dict[str, Any]) -> Envelope:
    return read_envelope(json.dumps(request).encode(), ())


def assert_same(frame: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(frame, expected, check_exact=True)
    pd.testing.assert_index_equal(frame.index, expected.index, exact=True)
    for name in expected:
        ours, theirs = frame[name], expected[name]
        assert list(map(type, ours)) == list(map(type, theirs))
        if ours.dtype.kind == "f":
            assert ours.to_numpy().tobytes() == theirs.to_numpy().tobytes()
    layout = frame.to_numpy().flags
    assert layout["F_CONTIGUOUS"] == expected.to_numpy().flags["F_CONTIGUOUS"]


def split(columns: Any, data: Any, **more: Any) -> dict[str, Any]:
    return {"dataframe_split": {"columns": columns, "data": data, **more}}


PLAIN_DOUBLES = [
    split(["a", "b"], [[1.5, 2], [-0.0, 2**53 + 1]]),
    split(["b", "a"], [[1.5, 2], [3, 4]]),
    split(["b", "id", "a"], [[1, "x", 2], [3, None, 4]]),
    split(["a", "b"], [[1, True], [None, 1e300]]),
    split(["a", "b"], [[None, None]]),
    split(["a", "b"], [[True, False]]),
    split(["a", "b"], [[2**63, 2**64], [-(2**70), 10**300]]),
    split(["a", "b"], [[float("nan"), float("-inf")]]),
    split(["a", "b"], [[1, 2], [3, 4]], index=None),
    split(["a", "b"], [[1, 2], [3, 4]], index=[0, 1]),
    split(["a", "b"], [[1, 2], [3, 4]], index=["p", "p"]),
    split(["a", "b"], [[1, 2], [3, 4]], index=[None, 1]),
    split(["a", "b"], [[1, 2], [3, 4]], index=[0.5, "q"]),
    split(["a", "b"], [[1, 2], [3, 4]], index=[["x", "y"], [1, 2]]),
    {"dataframe_records": [{"a": 1, "b": 2.5}, {"b": 4, "a": None}]},
    {"dataframe_records": [{"a": 1, "b": 2.5, "id": "x"}, {"b": 4, "a": 3}]},
    {"inputs": [{"a": 1, "b": 2.5}, {"b": 4, "a": 3}]},
    {"inputs": {"b": [1, 2, 3], "a": [4.5, None, True]}},
    {"instances": [{"a": 1, "b": 2.5}, {"b": 4, "a": 3}]},
    {"instances": {"b": [1, 2, 3], "a": [4.5, 5, 6]}},
]


@pytest.mark.parametrize("request_body", PLAIN_DOUBLES, ids=json.dumps)
def test_plain_request_for_doubles_gives_the_general_ways_frame(
    request_body: dict[str, Any],
) -> None:
    frame = plainly(request_body, *DOUBLES)
    assert frame is not None
    assert_same(frame, generally(request_body, *DOUBLES))


@pytest.mark.parametrize(
    "request_body",
    [
        split(["a", "b"], [[1, "2"]]),
        split(["a", "b"], [[1, [2]]]),
        split(["a", "b"], [[1, {"x": 2}]]),
        split(["a", "b"], [[1, 2], [3]]),
        split(["a", "b"], [[1, 2, 3], [4, 5, 6]]),
        split(["a", "b"], [[1], [2]]),
        split(["a", "b"], [1, 2]),
        split(["a", "b"], {"0": [1, 2]}),
        split(["a", "b"], ["12", "34"]),
        split(["a", "b"], [[10**400, 1]]),
        split(["a", "b"], []),
        split(["a", "c"], [[1, 2]]),
        split(["a", "b", "b"], [[1, 2, 3]]),
        split(["a", "b", ["c"]], [[1, 2, 3]]),
        split("ab", [[1, 2]]),
        split({"a": 0, "b": 1}, [[1, 2]]),
        split(["a", "b"], [[1, 2]], index=[0, 1]),
        split(["a", "b"], [[1, 2]], index="x"),
        split(["a", "b"], [[1, 2]], more=1),
        {"dataframe_split": {"data": [[1, 2]]}},
        {"dataframe_split": [[1, 2]]},
        {"dataframe_split": None},
        {"dataframe_records": [{"a": 1, "b": "2"}]},
        {"dataframe_records": [{"a": 1, "b": [2]}]},
        {"dataframe_records": [{"a": 1, "b": 2}, {"a": 1}]},
        {"dataframe_records": [{"a": 1, "b": 2}, None]},
        {"dataframe_records": {"a": [1], "b": [2]}},
        {"dataframe_records": []},
        {"inputs": [{"a": 1, "b": 2, "id": [1, [2]]}]},
        {"inputs": {"a": [1], "b": [2], "id": [3]}},
        {"inputs": {"a": 1, "b": 2}},
        {"inputs": {"a": [[1]], "b": [[2]]}},
        {"inputs": {"a": [], "b": []}},
        {"instances": {"a": [1], "b": [2, 3]}},
        {"instances": [[1, 2]]},
    ],
    ids=lambda request_body: json.dumps(request_body)[:80],
)
def test_whatever_is_not_plain_is_left_to_the_general_way(request_body: dict[str, Any]) -> None:
    assert plainly(request_body, *DOUBLES) is None


@pytest.mark.parametrize(
    "request_body",
    [
        split(["a", "b", "c"], [[1, "x", 2], [None, None, 3]]),
        split(["c", "zz", "b", "a"], [[1, [0], "x", 0.5]]),
        split(["a", "b", "c"], [[1, "x", 2], [3, "y", 4]], index=["p", "q"]),
        {"dataframe_records": [{"c": 1, "b": "x", "a": 0.5, "zz": {}}]},
        {"inputs": [{"c": 1, "b": "x\0", "a": 0.5}]},
        {"inputs": {"c": [1], "b": ["x\0"], "a": [0.5]}},
        {"instances": [{"c": 1, "b": "x", "a": 0.5}]},
    ],
    ids=json.dumps,
)
def test_plain_request_for_mixed_columns_gives_the_general_ways_frame(
    request_body: dict[str, Any],
) -> None:
    frame = plainly(request_body, *MIXED)
    assert frame is not None
    assert_same(frame, generally(request_body, *MIXED))


@pytest.mark.parametrize("row", [[1, 2, 3], [1, "x", 2.5], [1, "x", None], [1, "x", 2**63]])
def test_values_of_other_types_are_left_to_the_general_way(row: list[Any]) -> None:
    assert plainly(split(["a", "b", "c"], [row]), *MIXED) is None


def test_every_plain_type_gives_the_general_ways_frame() -> None:
    names = ["double", "float", "long", "integer", "boolean", "string"]
    inputs = [column(name, name) for name in names]
    rows = [[0.1, 0.25, 2**53 + 1, 7, True, "é"], [1e300, 3.5, -(2**63), -1, False, ""]]
    for request in (
        split(names, rows),
        {"inputs": [dict(zip(names, row, strict=True)) for row in rows]},
        {"instances": dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))},
    ):
        frame = plainly(request, *inputs)
        assert frame is not None
        assert_same(frame, generally(request, *inputs))


def test_one_column_is_as_plain_as_many() -> None:
    for request in (split(["a"], [[1], [2]]), {"dataframe_records": [{"a": 1}, {"a": 2}]}):
        frame = plainly(request, DOUBLES[0])
        assert frame is not None
        assert_same(frame, generally(request, DOUBLES[0]))


def test_the_frame_is_the_models_own_to_change() -> None:
    reader = FastReader.for_schema(parse_inputs(list(DOUBLES)))
    assert reader is not None
    envelope = _envelope(PLAIN_DOUBLES[0])
    first = reader.read(envelope)
    assert first is not None
    first.columns.name = "changed"
    first["a"] = np.nan
    second = reader.read(envelope)
    assert second is not None
    assert second.columns.name is None
    assert second["a"].tolist() == [1.5, -0.0]


NUMBERS = st.none() | st.booleans() | st.integers(-(2**66), 2**66) | st.floats()
ODD = st.sampled_from(["", "1.5", "x", [], [1.0], {}])
CELLS = {
    "double": st.one_of(*[NUMBERS] * 9, ODD),
    "string": st.one_of(*[st.text(max_size=3)] * 9, ODD, NUMBERS),
    "long": st.one_of(*[st.integers(-(2**63), 2**63)] * 9, ODD, NUMBERS),
}
Case = tuple[tuple[dict[str, Any], ...], dict[str, Any]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Return a signature and a request that is often plain for it."""
    inputs = draw(st.sampled_from([DOUBLES, MIXED]))
    sent = [
        *draw(st.permutations(inputs)),
        *draw(st.sampled_from([(), (), (column("long", "z"),)])),
    ]
    names = [item["name"] for item in sent]
    row = st.tuples(*(CELLS[item["type"]] for item in sent)).map(list)
    rows = draw(st.lists(row, min_size=1, max_size=3))
    key = draw(st.sampled_from(list(GENERAL_WAYS)))
    if key == "dataframe_split":
        return inputs, split(names, rows)
    if key == "dataframe_records" or draw(st.booleans()):
        return inputs, {key: [dict(zip(names, row, strict=True)) for row in rows]}
    lists = map(list, zip(*rows, strict=True))
    return inputs, {key: dict(zip(names, lists, strict=True))}


def as_kind(kind: InputKind, request: dict[str, Any], *inputs: dict[str, Any]) -> Any:
    reader = FastReader.for_schema(parse_inputs(list(inputs)), kind)
    assert reader is not None
    return reader.read(_envelope(request))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_an_array_is_what_numpy_makes_of_the_frame(case: Case) -> None:
    inputs, request_body = case
    if inputs is not DOUBLES:
        return
    array, frame = as_kind("array", request_body, *inputs), plainly(request_body, *inputs)
    assert (array is None) == (frame is None)
    if frame is not None:
        expected = frame.to_numpy()
        assert array.tobytes() == expected.tobytes()
        assert array.dtype == expected.dtype
        assert array.flags["F_CONTIGUOUS"] == expected.flags["F_CONTIGUOUS"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_columns_are_those_of_the_frame(case: Case) -> None:
    inputs, request_body = case
    columns, frame = as_kind("columns", request_body, *inputs), plainly(request_body, *inputs)
    if columns is None:  # text with nulls, in which only pandas says what a null is
        assert frame is None or frame.isna().to_numpy().any()
        return
    assert frame is not None
    assert list(columns) == list(frame)
    for name, values in columns.items():
        assert values.tolist() == frame[name].to_numpy().tolist() or frame[name].isna().any()
        assert (values.dtype.kind == "O") == (name == "b" and inputs is MIXED)


def test_arrays_of_several_numeric_types_have_the_frames_common_type() -> None:
    inputs = [column(kind, kind) for kind in ("long", "integer", "float")]
    body = split(["long", "integer", "float"], [[2**53 + 1, 7, 0.5], [-1, -7, 1.5]])
    for chosen in (inputs, inputs[:1], inputs[1:2], inputs[:2], inputs[1:]):
        array, frame = as_kind("array", body, *chosen), plainly(body, *chosen)
        assert frame is not None
        assert array.dtype == frame.to_numpy().dtype
        assert array.tolist() == frame.to_numpy().tolist()


@pytest.mark.parametrize("index", [["p"], ["p", "q", "r"], [["p", "q"], ["r", "s"]], [{}, {}]])
@pytest.mark.parametrize("kind", ["array", "columns"])
def test_an_index_that_may_be_wrong_is_left_to_the_general_way(
    kind: InputKind, index: list[Any]
) -> None:
    body = split(["a", "b"], [[1, 2], [3, 4]], index=index)
    assert as_kind(kind, body, *DOUBLES) is None
    body = split(["a", "b"], [[1, 2], [3, 4]], index=["p", None])
    assert as_kind(kind, body, *DOUBLES) is not None


# How long an example takes is the machine's affair.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_what_the_short_way_takes_the_general_way_takes_alike(case: Case) -> None:
    inputs, request_body = case
    frame = plainly(request_body, *inputs)
    if frame is None:
        return
    try:
        expected = generally(request_body, *inputs)
    except HandlerError as error:
        pytest.fail(f"the general way refuses it: {error.message}")
    assert_same(frame, expected)
