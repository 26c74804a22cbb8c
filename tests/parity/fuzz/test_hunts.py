import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from .bodies import Body
from .lambda_events import SAMPLES
from .models import MODEL_OF_THE_SAMPLE_EVENTS, MODELS, Function
from .rules import Context, fault_of_event, post
from .search import hunt_bodies, hunt_events

Functions = Callable[[str], Function]

BODIES_PER_MODEL = 200
EVENTS = 1_000


@pytest.mark.parametrize("model", MODELS)
def test_no_body_makes_a_function_fail(functions: Functions, model: str) -> None:
    result = hunt_bodies(functions(model), BODIES_PER_MODEL)
    assert result.findings == {}
    assert result.count == BODIES_PER_MODEL


def test_no_event_makes_a_function_fail(functions: Functions) -> None:
    result = hunt_events(functions(MODEL_OF_THE_SAMPLE_EVENTS), EVENTS)
    assert result.findings == {}
    assert result.count == EVENTS


@pytest.mark.parametrize("model", MODELS)
def test_the_bodies_that_the_hunt_starts_from_are_answered(
    functions: Functions, model: str
) -> None:
    function = functions(model)
    for document in function.sample.documents:
        status, answer = post(function.app, Body(json.dumps(document).encode(), None))
        assert status == 200, answer


def test_the_events_that_the_hunt_starts_from_are_answered(functions: Functions) -> None:
    handler = functions(MODEL_OF_THE_SAMPLE_EVENTS).handler
    statuses = {name: handler(event, Context())["statusCode"] for name, event in SAMPLES.items()}
    meant_to_fail = {"http-api-malformed-json", "http-api-missing-column"}
    assert statuses.keys() >= meant_to_fail
    assert {name for name, status in statuses.items() if status != 200} == meant_to_fail


def test_equal_hunts_try_the_same_cases(functions: Functions) -> None:
    function = functions(MODEL_OF_THE_SAMPLE_EVENTS)

    def events_of(first_seed: int) -> list[object]:
        events: list[object] = []

        def record(event: object, _: object) -> dict[str, Any]:
            events.append(event)
            return function.handler({}, Context())

        hunt_events(replace(function, handler=record), 50, first_seed)
        return events

    assert repr(events_of(3)) == repr(events_of(3))
    assert repr(events_of(3)) != repr(events_of(4))


def test_a_hunt_finds_a_function_that_fails(functions: Functions) -> None:
    def break_down(*_: object) -> dict[str, Any]:
        raise RuntimeError("out of order")

    broken = replace(functions(MODEL_OF_THE_SAMPLE_EVENTS), handler=break_down)
    assert hunt_events(broken, 5).findings.keys() == {"uncaught RuntimeError: out of order"}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"statusCode": "200", "body": "{}", "isBase64Encoded": False},
        {"statusCode": 502, "body": "", "isBase64Encoded": False},
        {
            "statusCode": 400,
            "body": '{"message": "no"}',
            "headers": {"content-type": "application/json"},
            "isBase64Encoded": False,
        },
        {"statusCode": 200, "body": "\ud800", "isBase64Encoded": False},
    ],
)
def test_an_answer_that_lambda_or_a_client_cannot_use_is_a_fault(answer: Any) -> None:
    assert fault_of_event(lambda *_: answer, {}) is not None
