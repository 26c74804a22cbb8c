import json
from collections.abc import Callable
from typing import Any

import pytest
from mangum import Mangum

from handler.errors import ModelFetchError
from handler.host.model import ModelHost
from handler.telemetry import Telemetry
from handler.web.events import dispatch
from tests.handler.conftest import Log

Event = dict[str, Any]


class Context:
    """What awslambdaric hands over, cut to what is used."""

    aws_request_id = "request-7"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI app that answers what reached it."""
    message = await receive()
    answer = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "body": message["body"].decode(),
    }
    headers = [[b"content-type", b"application/json"]]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


@pytest.fixture
def host(telemetry: Telemetry) -> ModelHost:
    loaded: Any = object()
    return ModelHost(lambda: loaded, telemetry=telemetry)


@pytest.fixture
def answer(host: ModelHost, telemetry: Telemetry) -> Callable[[object], dict[str, Any]]:
    http = Mangum(echo, lifespan="off")

    def answer(event: object) -> dict[str, Any]:
        answered = dispatch(event, Context(), http=http, host=host, telemetry=telemetry)
        json.dumps(answered)  # Lambda must be able to send it
        return answered

    return answer


def rest_event(path: str, resource: str, **fields: Any) -> Event:
    """A REST API event (payload 1.0), cut to what matters."""
    return {
        "resource": resource,
        "path": path,
        "httpMethod": "POST",
        "headers": {"Host": "abc.example.com", "Content-Type": "application/json"},
        "multiValueHeaders": {"Host": ["abc.example.com"], "Content-Type": ["application/json"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "requestContext": {"stage": "Prod", "path": f"/Prod{path}", "identity": {}},
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    } | fields


def alb_event(path: str) -> Event:
    """An event of an Application Load Balancer, cut to what matters."""
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:..."}},
        "httpMethod": "POST",
        "path": path,
        "queryStringParameters": {},
        "headers": {"host": "lb.example.com", "content-type": "application/json"},
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("stage", "route", "path"),
    [
        ("$default", "$default", "/invocations"),
        ("$default", "POST /invocations", "/invocations"),
        ("prod", "$default", "/prod/invocations"),
        ("prod", "POST /invocations", "/prod/invocations"),
        ("$default", "POST /invocations", "/mapped/deep/invocations"),
    ],
)
def test_a_stage_and_a_mapping_of_an_http_api_are_taken_off(
    answer: Callable[..., Event],
    http_event: Callable[..., Event],
    stage: str,
    route: str,
    path: str,
) -> None:
    event = http_event("POST", path, '{"a": 1}', stage=stage, route=route)
    got = json.loads(answer(event)["body"])
    assert got == {"method": "POST", "path": "/invocations", "query": "", "body": '{"a": 1}'}


def test_a_greedy_route_of_an_http_api_gives_the_path(
    answer: Callable[..., Event], http_event: Callable[..., Event]
) -> None:
    event = http_event("GET", "/models/v1/ping", route="ANY /models/{proxy+}")
    event["pathParameters"] = {"proxy": "v1/ping"}
    assert json.loads(answer(event)["body"])["path"] == "/v1/ping"


@pytest.mark.parametrize(
    ("path", "resource", "proxy"),
    [
        ("/invocations", "/invocations", None),
        ("/invocations", "/{proxy+}", "invocations"),
        ("/mapped/invocations", "/invocations", None),
        ("/mapped/invocations", "/{proxy+}", "invocations"),
        ("/Prod/invocations", "", None),
    ],
)
def test_a_rest_api_finds_its_path(
    answer: Callable[..., Event], path: str, resource: str, proxy: str | None
) -> None:
    event = rest_event(path, resource, pathParameters={"proxy": proxy} if proxy else None)
    got = json.loads(answer(event)["body"])
    assert (got["method"], got["path"], got["body"]) == ("POST", "/invocations", '{"a": 1}')


def test_a_stage_named_as_a_route_is_not_mistaken_for_it(
    answer: Callable[..., Event], http_event: Callable[..., Event]
) -> None:
    assert json.loads(answer(http_event(path="/ping", stage="ping"))["body"])["path"] == "/ping"


def test_a_load_balancer_is_answered(answer: Callable[..., Event]) -> None:
    got = answer(alb_event("/invocations"))
    assert got["statusCode"] == 200
    assert json.loads(got["body"])["path"] == "/invocations"


def test_a_base64_body_is_decoded(
    answer: Callable[..., Event], http_event: Callable[..., Event]
) -> None:
    event = http_event("POST", "/invocations", "eyJhIjogMX0=")
    event["isBase64Encoded"] = True
    got = answer(event)
    assert json.loads(got["body"])["body"] == '{"a": 1}'
    assert got["isBase64Encoded"] is False


@pytest.mark.parametrize(
    "event",
    [
        {},
        None,
        {"warmup": True},
        {"source": "serverless-plugin-warmup"},
        {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
        {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"},
    ],
)
def test_a_warm_up_succeeds_and_loads_the_model(
    answer: Callable[..., Event], log: Log, host: ModelHost, event: object
) -> None:
    got = answer(event)
    assert got["statusCode"] == 200
    assert json.loads(got["body"]) == {"warm": True, "model_loaded": True}
    assert host.is_ready
    (line,) = log.lines
    assert (line["type"], line["kind"], line["status"]) == ("invocation", "warmup", 200)
    assert line["request_id"] == "request-7"


def test_a_warm_up_without_the_model_succeeds_and_says_so(telemetry: Telemetry, log: Log) -> None:
    def load() -> Any:
        raise ModelFetchError("S3 cannot be reached")

    host = ModelHost(load, telemetry=telemetry)
    got = dispatch({}, None, http=Mangum(echo), host=host, telemetry=telemetry)
    assert got["statusCode"] == 200
    assert json.loads(got["body"]) == {"warm": True, "model_loaded": False}
    assert log.of("invocation")[0]["error_code"] == "TEMPORARILY_UNAVAILABLE"


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ({"Records": [{"eventSource": "aws:s3", "s3": {}}]}, "an S3 notification"),
        ({"Records": [{"eventSource": "aws:sqs", "body": "x"}]}, "an SQS message"),
        ({"Records": [{"EventSource": "aws:sns", "Sns": {}}]}, "an SNS notification"),
        ({"Records": [{"eventSource": "aws:dynamodb"}]}, "a DynamoDB stream record"),
        ({"Records": [{"eventSource": "aws:kinesis"}]}, "a Kinesis record"),
        ({"Records": [{"eventSource": "aws:new"}]}, "records of aws:new"),
        ({"Records": [{"cf": {"request": {}}}]}, "a Lambda@Edge event"),
        ({"Records": []}, "an event with the keys Records"),
        ({"Records": ["x"]}, "an event with the keys Records"),
        ({"key1": "value1", "key2": "value2"}, "an event with the keys key1, key2"),
        ({"dataframe_split": {"data": [[1]]}}, "a bare scoring request"),
        ({"source": "aws.s3", "detail-type": "Object Created"}, "an EventBridge event of aws.s3"),
        ({"type": "TOKEN", "methodArn": "arn:..."}, "an authorizer request"),
        (
            {"type": "REQUEST", "methodArn": "arn:...", "resource": "/", "requestContext": {}},
            "an authorizer request",
        ),
        ({"requestContext": {"connectionId": "c", "eventType": "CONNECT"}}, "a WebSocket event"),
        ({"requestContext": 5}, "an event with the keys requestContext"),
        ({"requestContext": None, "version": "2.0"}, "the keys requestContext, version"),
        ({"warmup": False}, "an event with the keys warmup"),
        ([], "a JSON array"),
        ([{}], "a JSON array"),
        ("text", "a JSON string"),
        ("", "a JSON string"),
        (0, "a JSON number"),
        (1.5, "a JSON number"),
        (False, "a JSON boolean"),
    ],
)
def test_any_other_event_is_named_and_told_what_was_expected(
    answer: Callable[..., Event], log: Log, event: object, name: str
) -> None:
    got = answer(event)
    assert got["statusCode"] == 400
    assert got["headers"] == {"content-type": "application/json"}
    body = json.loads(got["body"])
    assert body["error_code"] == "BAD_REQUEST"
    assert f"{name}" in body["message"]
    assert "HTTP events of API Gateway" in body["message"]
    (line,) = log.lines
    assert (line["kind"], line["status"], line["request_id"]) == ("other", 400, "request-7")


MALFORMED: list[tuple[Event, str]] = [
    ({"body": {"instances": [[1]]}}, "its body must be a string"),
    ({"body": 5}, "its body must be a string"),
    (
        {"requestContext": {"http": {"method": {}, "path": "/", "sourceIp": "192.0.2.1"}}},
        "its HTTP method must be a string",
    ),
    ({"requestContext": {}}, "it has no field 'http'"),
    ({"requestContext": {"http": {}}}, "it has no field 'path'"),
    ({"requestContext": {"http": 5}}, "TypeError"),
    ({"headers": None}, "AttributeError"),
    ({"headers": {"host": "a:b:c"}}, "ValueError"),
    ({"body": "a", "isBase64Encoded": True}, "base64"),
    ({"version": "1.0"}, "it has no field 'path'"),
    ({"version": None, "path": 5}, "AttributeError"),
]


@pytest.mark.parametrize(("broken", "problem"), MALFORMED)
def test_a_malformed_http_event_is_refused_with_the_reason(
    answer: Callable[..., Event],
    http_event: Callable[..., Event],
    log: Log,
    broken: Event,
    problem: str,
) -> None:
    got = answer(http_event() | broken)
    assert got["statusCode"] == 400
    message = json.loads(got["body"])["message"]
    assert message.startswith("The HTTP event is malformed: ")
    assert problem in message
    (line,) = log.lines
    assert (line["kind"], line["status"]) == ("malformed", 400)
    assert line["error"]


def test_the_log_never_has_the_content_of_an_event(
    answer: Callable[..., Event], http_event: Callable[..., Event], log: Log
) -> None:
    answer({"secret-key": "secret-value"})
    answer({"Records": [{"eventSource": "aws:sqs", "body": "secret-value"}]})
    answer(http_event() | {"headers": {"host": "secret:secret"}})
    answer("secret")
    assert len(log.lines) == 4
    assert "secret" not in log.text
