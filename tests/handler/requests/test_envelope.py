import json

import pytest

from handler.errors import MalformedRequest, UnsupportedMediaType
from handler.requests.envelope import read_envelope, read_media_type
from handler.wording import json_type, shown_names


@pytest.mark.parametrize(
    ("header", "media_type"),
    [
        ("application/json", "application/json"),
        ("text/csv", "text/csv"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        ("application/json; charset=utf-8", "application/json"),
        ("application/json;charset=UTF-8", "application/json"),
        ('Text/CSV; Charset="utf-8"', "text/csv"),
        ("application/json;", "application/json"),
        (None, "application/json"),
    ],
)
def test_content_type_is_read_as_rfc_9110_says(header: str | None, media_type: str) -> None:
    assert read_media_type(header) == media_type


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("", "application/json, text/csv"),
        ("application/x-www-form-urlencoded", "x-www-form-urlencoded"),
        ("application/json; charset=latin-1", "UTF-8"),
        ("application/json; format=pandas-split", "format"),
    ],
)
def test_other_content_types_are_refused_with_what_is_wrong(header: str, named: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=named) as caught:
        read_media_type(header)
    assert caught.value.status == 415


def test_envelope_holds_the_only_format_and_the_params() -> None:
    body = {"inputs": [1], "params": {"k": 2}, "signature_name": "dropped"}
    envelope = read_envelope(json.dumps(body).encode(), ())
    assert (envelope.format, envelope.payload, envelope.params) == ("inputs", [1], {"k": 2})


def test_utf16_and_a_byte_order_mark_are_read() -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        assert read_envelope('{"inputs": ["é"]}'.encode(encoding), ()).payload == ["é"]


def test_llm_request_is_data_as_a_whole_except_the_models_params() -> None:
    body = {"messages": ["hi"], "inputs": 1, "temperature": 0.5, "params": {"x": 1}}
    envelope = read_envelope(json.dumps(body).encode(), {"temperature"})
    assert envelope.format == "unified"
    assert envelope.payload == {"messages": ["hi"], "inputs": 1, "params": {"x": 1}}
    assert envelope.params == {"temperature": 0.5}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON: Expecting value at line 1 column 1"),
        (b'{"inputs": ', "not JSON: Expecting value at line 1 column 12"),
        (b'{"inputs": "\xff"}', "not UTF-8: see byte 12"),
        (b"[1]", "The body is a list"),
        (b'"x"', "The body is a string"),
        (b"null", "The body is null"),
        (b"{}", "The body has no keys"),
        (b'{"columns": [], "data": []}', "The body has only 'columns', 'data'"),
        (b'{"inputs": 1, "instances": 1}', "The body has inputs and instances together"),
        (b'{"inputs": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"inputs": ' + b"9" * 5_000 + b"}", "too many digits"),
    ],
)
def test_bodies_that_are_no_scoring_request_are_refused(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        read_envelope(body, ())
    assert reason in caught.value.message
    assert caught.value.status == 400


def test_names_that_a_caller_chose_are_shown_in_bounds() -> None:
    assert shown_names(["a", "b"]) == "'a', 'b'"
    shown = shown_names([f"column-{i}-{'x' * 1000}" for i in range(500)])
    assert shown.endswith(" and 490 more")
    assert len(shown) < 1000


def test_values_are_called_what_json_calls_them() -> None:
    values = [None, True, 1, 1.5, "a", [], {}, b""]
    called = ["null", "a boolean", "an integer", "a float", "a string", "a list", "an object"]
    assert [json_type(value) for value in values] == [*called, "a bytes"]
