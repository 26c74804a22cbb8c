"""HTTP requests as the four AWS services that call Lambda wrap them.

Shapes: AWS Lambda developer guide, "Using AWS Lambda with Amazon API Gateway", "... with an
Application Load Balancer", "Lambda function URLs"; API Gateway developer guide, "Working with
AWS Lambda proxy integrations for HTTP APIs". Account, addresses and keys are AWS's and RFC
5737's examples.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_ACCOUNT = "123456789012"
_REGION = "us-east-1"
_SOURCE_IP = "203.0.113.10"
_USER_AGENT = "curl/8.5.0"
_REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
_TIME = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_TIME_TEXT = _TIME.strftime("%d/%b/%Y:%H:%M:%S +0000")
_TIME_EPOCH_MS = int(_TIME.timestamp() * 1000)
_TRACE_ID = f"Root=1-{int(_TIME.timestamp()):08x}-0123456789abcdef01234567"

Event = dict[str, Any]


@dataclass(frozen=True)
class SampleRequest:
    """An HTTP request, before a gateway wraps it."""

    method: str
    path: str
    content_type: str | None = None
    body: str | None = None
    is_base64: bool = False
    """The gateway sends the body base64-encoded, as it does with binary media types."""

    @property
    def payload(self) -> str | None:
        """The event's `body`."""
        if self.body is None or not self.is_base64:
            return self.body
        return base64.b64encode(self.body.encode()).decode("ascii")


def http_api_event(request: SampleRequest) -> Event:
    """Return the event of an API Gateway HTTP API, payload format 2.0, with IAM auth."""
    host = f"abcdef1234.execute-api.{_REGION}.amazonaws.com"
    return _version_2(request, host, route_key=f"{request.method} {request.path}")


def function_url_event(request: SampleRequest) -> Event:
    """Return the event of a Lambda function URL with IAM auth."""
    host = f"abcdefghijklmnopqrstuvwxyz012345.lambda-url.{_REGION}.on.aws"
    return _version_2(request, host, route_key="$default")


def rest_api_event(request: SampleRequest) -> Event:
    """Return the event of an API Gateway REST API (payload format 1.0), stage `prod`."""
    host = f"abcdef1234.execute-api.{_REGION}.amazonaws.com"
    # This kind keeps the letter case of names, and the length to itself.
    headers = {
        name.title(): value
        for name, value in _headers(request, host).items()
        if name != "content-length"
    }
    return {
        "resource": request.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourceId": "abc123",
            "resourcePath": request.path,
            "httpMethod": request.method,
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "requestTime": _TIME_TEXT,
            "path": f"/prod{request.path}",
            "accountId": _ACCOUNT,
            "protocol": "HTTP/1.1",
            "stage": "prod",
            "domainPrefix": "abcdef1234",
            "requestTimeEpoch": _TIME_EPOCH_MS,
            "requestId": _REQUEST_ID,
            "identity": _rest_identity(),
            "domainName": host,
            "deploymentId": "def456",
            "apiId": "abcdef1234",
        },
        "body": request.payload,
        "isBase64Encoded": request.is_base64,
    }


def alb_event(request: SampleRequest) -> Event:
    """Return the event of an Application Load Balancer's target group."""
    arn = f"arn:aws:elasticloadbalancing:{_REGION}:{_ACCOUNT}:targetgroup/models/49e9d65c45c6791a"
    host = f"models-1234567890.{_REGION}.elb.amazonaws.com"
    return {
        "requestContext": {"elb": {"targetGroupArn": arn}},
        "httpMethod": request.method,
        "path": request.path,
        "queryStringParameters": {},
        "headers": _headers(request, host),
        "body": request.payload or "",
        "isBase64Encoded": request.is_base64,
    }


GATEWAYS: dict[str, Callable[[SampleRequest], Event]] = {
    "http-api": http_api_event,
    "rest-api": rest_api_event,
    "alb": alb_event,
    "function-url": function_url_event,
}


def _version_2(request: SampleRequest, host: str, *, route_key: str) -> Event:
    event: Event = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": "",
        "headers": _headers(request, host),
        "requestContext": {
            "accountId": _ACCOUNT,
            "apiId": host.partition(".")[0],
            "authorizer": {"iam": _iam_caller()},
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": _SOURCE_IP,
                "userAgent": _USER_AGENT,
            },
            "requestId": "JKJaXmPLvHcESHA=" if route_key != "$default" else _REQUEST_ID,
            "routeKey": route_key,
            "stage": "$default",
            "time": _TIME_TEXT,
            "timeEpoch": _TIME_EPOCH_MS,
        },
        "isBase64Encoded": request.is_base64,
    }
    if request.payload is not None:  # without a body this format has no such key
        event["body"] = request.payload
    return event


def _headers(request: SampleRequest, host: str) -> dict[str, str]:
    headers = {
        "accept": "*/*",
        "host": host,
        "user-agent": _USER_AGENT,
        "x-amzn-trace-id": _TRACE_ID,
        "x-forwarded-for": _SOURCE_IP,
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }
    if request.body is not None:
        headers["content-length"] = str(len(request.body.encode()))
    if request.content_type is not None:
        headers["content-type"] = request.content_type
    return dict(sorted(headers.items()))


def _iam_caller() -> dict[str, Any]:
    return {
        "accessKey": "AKIAIOSFODNN7EXAMPLE",
        "accountId": _ACCOUNT,
        "callerId": "AIDACKCEVSQ6C2EXAMPLE",
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": f"arn:aws:iam::{_ACCOUNT}:user/caller",
        "userId": "AIDACKCEVSQ6C2EXAMPLE",
    }


def _rest_identity() -> dict[str, Any]:
    return {
        "cognitoIdentityPoolId": None,
        "accountId": _ACCOUNT,
        "cognitoIdentityId": None,
        "caller": "AIDACKCEVSQ6C2EXAMPLE",
        "sourceIp": _SOURCE_IP,
        "principalOrgId": None,
        "accessKey": "AKIAIOSFODNN7EXAMPLE",
        "cognitoAuthenticationType": None,
        "cognitoAuthenticationProvider": None,
        "userArn": f"arn:aws:iam::{_ACCOUNT}:user/caller",
        "userAgent": _USER_AGENT,
        "user": "AIDACKCEVSQ6C2EXAMPLE",
    }
