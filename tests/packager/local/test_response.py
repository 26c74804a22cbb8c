"""What a function's answer is for the HTTP caller, and what the emulator's log says."""

import base64
from typing import Any

import pytest

from packager.local.emulator_log import function_output, parse_report
from packager.local.invocation import read_answer
from packager.local.response import decode_response

JSON = {"Content-Type": "application/json; charset=utf-8"}


@pytest.mark.parametrize(
    ("payload", "body"),
    [
        ({"statusCode": 200, "headers": JSON, "body": '{"a": 1}'}, {"a": 1}),
        ({"statusCode": 200, "headers": JSON, "body": "{broken"}, "{broken"),
        ({"statusCode": 200, "headers": {"content-type": "text/csv"}, "body": "1"}, "1"),
        ({"statusCode": 200, "body": None}, ""),
        (
            {
                "statusCode": 200,
                "multiValueHeaders": {"Content-Type": ["application/json"]},
                "body": base64.b64encode('[1, "ä"]'.encode()).decode(),
                "isBase64Encoded": True,
            },
            [1, "ä"],
        ),
    ],
)
def test_the_body_is_decoded_by_its_headers(payload: Any, body: Any) -> None:
    response = decode_response(payload)
    assert response is not None
    assert (response.status, response.body) == (200, body)


@pytest.mark.parametrize("payload", [None, 1, "text", [], {}, {"statusCode": "200"}])
def test_another_payload_is_no_response(payload: Any) -> None:
    assert decode_response(payload) is None


@pytest.mark.parametrize(
    ("status", "body", "outcome", "payload", "error"),
    [
        (200, b'{"a": 1}', "ok", {"a": 1}, None),
        (200, b"null", "ok", None, None),
        (200, b"", "ok", None, None),
        (200, b'"Task timed out"', "ok", "Task timed out", None),
        (200, b'{"errorMessage": "mine"}', "ok", {"errorMessage": "mine"}, None),
        (
            200,
            b'{"errorMessage": "boo", "errorType": "ValueError", "requestId": "1"}',
            "error",
            None,
            "ValueError: boo",
        ),
        (
            200,
            b"Task timed out after 3.00 seconds",
            "timeout",
            None,
            "Task timed out after 3.00 seconds",
        ),
        (502, b'{"errorType": "E", "errorMessage": "m"}', "crash", None, "E: m"),
        (502, b"", "crash", None, "the function's process did not start, or ended without a word"),
        (500, b"no JSON", "crash", None, "no JSON"),
    ],
)
def test_the_emulators_answer_tells_how_it_went(
    status: int, body: bytes, outcome: str, payload: Any, error: str | None
) -> None:
    assert read_answer(status, body) == (outcome, payload, error)


def test_only_what_the_function_printed_is_its_log() -> None:
    request_id = "96e0fb59-2146-4936-9fe6-5752878194d2"
    text = (
        f"START RequestId: {request_id} Version: $LATEST\n"
        "START of my own\rand more\n"
        f"END RequestId: {request_id}\n"
        f"REPORT RequestId: {request_id}\tInit Duration: 0.28 ms\tDuration: 346.87 ms\t\n"
    )
    assert function_output(text) == "START of my own\nand more\n"


def test_a_cold_invocation_reports_its_init_and_its_own_duration_apart() -> None:
    report = parse_report(
        "21 Nov 2026 12:20:24,854 [INFO] (rapid) INIT START(type: on-demand, phase: init)\n"
        "21 Nov 2026 12:20:25,200 [INFO] (rapid) INIT REPORT(durationMs: 345.632000)\n"
        "21 Nov 2026 12:20:25,200 [INFO] (rapid) INVOKE START(requestId: 96e0fb59)\n"
        "21 Nov 2026 12:20:25,201 [INFO] (rapid) INVOKE RTDONE(status: success,"
        " produced bytes: 0, duration: 0.930000ms)\n"
    )
    assert report.is_finished
    assert report.is_cold_start
    assert report.init_duration_ms == 345.632
    assert report.duration_ms == 0.93
