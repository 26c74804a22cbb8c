import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from handler.errors import MalformedRequest
from handler.requests.decode import decode_json

NUMBER_TEXTS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


# How long an example takes is the machine's affair.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outcome(read: Any, body: bytes) -> str:
    try:
        # The repr keeps the types, the order of the keys, -0.0 and every bit of a float.
        return repr(read(body))
    except (MalformedRequest, ValueError, RecursionError):
        return "refused"


def check(body: bytes) -> None:
    assert outcome(decode_json, body) == outcome(json.loads, body)


@pytest.mark.parametrize(
    "number",
    [
        *("9223372036854775807", "9223372036854775808", "-9223372036854775808"),
        *("18446744073709551615", "18446744073709551616", "-9223372036854775809"),
        *("1" + "0" * 30, "-1" + "0" * 308, "1" + "0" * 400, "9" * 5000),
        *("-0", "0", "-0.0", "0e999", "1e999", "-1e999", "1e-400", "1e" + "0" * 30 + "5"),
        *("12345678901234567890.5", "0.00012345678901234567", "0." + "0" * 400 + "1"),
        *("1.7976931348623157e308", "1.7976931348623159e308", "5e-324", "2.4703282292062328e-324"),
        *("9007199254740993", "9007199254740993.0", "0.1", "1e23", "8.5e22"),
        *("NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1", "1e", "0x10", "1_0", "--1"),
    ],
)
def test_numbers_are_read_as_python_reads_them(number: str) -> None:
    for text in ('{"a": %s}', '{"a": [1.5, %s, "x"]}', '{"a":%s,"b":1}', '{ "a":\n%s\n}'):
        check((text % number).encode())
    check(number.encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "b": 2, "a": 3}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\udc00\\ud800"}',
        b'{"a": "\\ud83d\\ude00", "\\u0000": "\\/"}',
        b'{"\xed\xa0\x80": 1}',
        b'{"a": "\xff"}',
        b'{"a": "\x01"}',
        b'{"a": "\t"}',
        b'{"a": 1,}',
        b'{"a": 1} x',
        b'{"a": 1}\n\n',
        b' {"a": 1}',
        b"{}",
        b"{",
        b"",
        b"[1]",
        b'"text"',
        b'{"a": 12345678901234567890',
        b'{"a": "12345678901234567890"}',
        b'{"12345678901234567890": 1}',
        b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-16-le"),
        '{"a": 1}'.encode("utf-32"),
    ],
)
def test_documents_are_read_as_python_reads_them(body: bytes) -> None:
    check(body)


@unhurried
@given(VALUES, st.booleans())
def test_any_document_is_read_as_python_reads_it(value: Any, is_ascii: bool) -> None:
    text = json.dumps({"inputs": value}, ensure_ascii=is_ascii)
    check(text.encode("utf-8", "surrogatepass"))


@unhurried
@given(st.lists(NUMBER_TEXTS))
def test_any_numbers_are_read_as_python_reads_them(numbers: list[str]) -> None:
    check(f'{{"inputs": [{", ".join(numbers)}]}}'.encode())


@unhurried
@given(VALUES, st.integers(0, 10_000), st.integers(0, 255))
def test_broken_documents_are_read_as_python_reads_them(value: Any, at: int, byte: int) -> None:
    body = bytearray(json.dumps({"inputs": value}).encode())
    body[at % len(body)] = byte
    check(bytes(body))
