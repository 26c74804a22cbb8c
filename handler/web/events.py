"""Decides what a Lambda event is: an HTTP request, a warm-up, or a mistake to explain."""

from collections.abc import Callable
from typing import Any

from handler.errors import HandlerError, MalformedEvent, ModelUnavailable
from handler.host.model import ModelHost
from handler.telemetry import Telemetry, trace

Answer = dict[str, Any]
HttpAdapter = Callable[[dict[str, Any], Any], Answer]

_EXPECTED = (
    "This function answers HTTP events of API Gateway (HTTP API or REST API), of an Application"
    " Load Balancer or of a function URL, for example POST /invocations with the scoring request"
    " as the body; {} is a warm-up."
)
_WARMUP_SOURCES = ("serverless-plugin-warmup", "aws.events", "aws.scheduler")
_RECORD_NAMES = {
    "aws:s3": "an S3 notification",
    "aws:sqs": "an SQS message",
    "aws:sns": "an SNS notification",
    "aws:dynamodb": "a DynamoDB stream record",
    "aws:kinesis": "a Kinesis record",
}
_SCORING_KEYS = {"dataframe_split", "dataframe_records", "instances", "inputs"}


def dispatch(
    event: object, context: object, *, http: HttpAdapter, host: ModelHost, telemetry: Telemetry
) -> Answer:
    """Answer any event; never raise.

    :param http: answers HTTP events: Mangum over the app, which writes the log line.
    """
    if isinstance(event, dict) and _is_http(event):
        try:
            return http(_checked(_without_prefix(event)), context)
        # Mangum answers what the app raises; so this is an event that it cannot read.
        except Exception as error:
            problem = f"The HTTP event is malformed: {_problem(error)}. {_EXPECTED}"
            return _refuse(MalformedEvent(problem), "malformed", context, telemetry, error)
    if _is_warmup(event):
        return _warm_up(host, context, telemetry)
    problem = f"Got {_describe(event)}. {_EXPECTED}"
    return _refuse(MalformedEvent(problem), "other", context, telemetry)


def _is_http(event: dict[str, Any]) -> bool:
    request_context = event.get("requestContext")
    if not isinstance(request_context, dict):
        return False
    if "methodArn" in event or "routeArn" in event:
        return False  # asks for an authorizer's decision
    return "elb" in request_context or "version" in event or "resource" in event


def _checked(event: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(event.get("body"), str | None):
        raise MalformedEvent("its body must be a string: encode the JSON document once more")
    is_v2 = event.get("version") == "2.0" and "elb" not in event["requestContext"]
    method = event["requestContext"]["http"]["method"] if is_v2 else event["httpMethod"]
    if not isinstance(method, str):
        raise MalformedEvent("its HTTP method must be a string")  # else the router would fail
    return event


def _problem(error: Exception) -> str:
    if isinstance(error, MalformedEvent):
        return error.message
    if isinstance(error, KeyError):
        return f"it has no field {error}"
    return f"{type(error).__name__}: {error}"


def _without_prefix(event: dict[str, Any]) -> dict[str, Any]:
    # API Gateway's named stages (HTTP API) and API mappings of custom domains come in front of
    # the path; the route that matched tells what is behind them.
    request_context = event["requestContext"]
    if "elb" in request_context:
        return event
    if event.get("version") == "2.0":
        http = request_context["http"]
        route = str(event.get("routeKey") or "").partition(" ")[2]
        path = _behind_prefix(http["path"], route, event)
        return {**event, "requestContext": {**request_context, "http": {**http, "path": path}}}
    return {**event, "path": _behind_prefix(event["path"], event.get("resource") or "", event)}


def _behind_prefix(path: str, route: str, event: dict[str, Any]) -> str:
    proxy = (event.get("pathParameters") or {}).get("proxy")
    if route.endswith("/{proxy+}") and proxy:
        route = "/" + proxy.lstrip("/")
    if route.startswith("/") and path.endswith(route):
        return route
    stage = f"/{event['requestContext'].get('stage')}"
    return path.removeprefix(stage) if path.startswith(stage + "/") else path


def _is_warmup(event: object) -> bool:
    if not event:
        return event is None or event == {}
    if not isinstance(event, dict):
        return False
    return event.get("warmup") is True or event.get("source") in _WARMUP_SOURCES


def _warm_up(host: ModelHost, context: object, telemetry: Telemetry) -> Answer:
    invocation = telemetry.start(context, "warmup")
    try:
        host.scorer()
        state = '{"warm": true, "model_loaded": true}'
    except ModelUnavailable as error:
        invocation.error_code = error.error_code
        state = '{"warm": true, "model_loaded": false}'
    invocation.status = 200
    telemetry.finish(invocation)
    return _answer(200, state)


def _refuse(
    error: HandlerError,
    kind: str,
    context: object,
    telemetry: Telemetry,
    cause: Exception | None = None,
) -> Answer:
    invocation = telemetry.start(context, kind)
    invocation.status = error.status
    invocation.error_code = error.error_code
    if cause is not None:
        invocation.error = trace(cause)
    telemetry.finish(invocation)
    return _answer(error.status, error.to_json().decode())


def _answer(status: int, body: str) -> Answer:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": body,
        "isBase64Encoded": False,
    }


def _describe(event: object) -> str:
    if not isinstance(event, dict):
        return f"a JSON {_JSON_TYPES.get(type(event), 'value')}"
    records = event.get("Records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        return _describe_record(records[0])
    if _SCORING_KEYS & event.keys():
        return "a bare scoring request"
    if "methodArn" in event or "routeArn" in event:
        return "an authorizer request of API Gateway"
    request_context = event.get("requestContext")
    if isinstance(request_context, dict) and "connectionId" in request_context:
        return "a WebSocket event of API Gateway"
    if "detail-type" in event:
        return f"an EventBridge event of {str(event.get('source'))[:60]}"
    keys = ", ".join(str(key)[:30] for key in list(event)[:5])
    return f"an event with the keys {keys}"


def _describe_record(record: dict[str, Any]) -> str:
    if "cf" in record:
        return "a Lambda@Edge event"
    source = record.get("eventSource") or record.get("EventSource")
    return _RECORD_NAMES.get(str(source), f"records of {str(source)[:60]}")


_JSON_TYPES: dict[type, str] = {
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
}
