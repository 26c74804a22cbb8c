"""Decode the HTTP response in a function's answer: HTTP API, REST API, ALB, function URL."""

import base64
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class HttpResponse:
    """What the function's caller would get."""

    status: int
    headers: dict[str, str]
    """Names in lower case; several values of one name are joined by commas."""
    body: Any
    """JSON-decoded if the response says it is JSON; else text."""


def decode_response(payload: Any) -> HttpResponse | None:
    """Return the HTTP response in a payload; None when the payload is none."""
    if not isinstance(payload, dict) or not isinstance(payload.get("statusCode"), int):
        return None
    headers = _headers(payload)
    text = payload.get("body") or ""
    if payload.get("isBase64Encoded"):
        text = base64.b64decode(text).decode("utf-8", errors="replace")
    return HttpResponse(payload["statusCode"], headers, _body(text, headers))


def _headers(payload: dict[str, Any]) -> dict[str, str]:
    headers = {name.lower(): str(value) for name, value in (payload.get("headers") or {}).items()}
    for name, values in (payload.get("multiValueHeaders") or {}).items():
        headers[name.lower()] = ", ".join(str(value) for value in values)
    return headers


def _body(text: str, headers: dict[str, str]) -> Any:
    if "json" in headers.get("content-type", ""):
        try:
            return json.loads(text)
        except ValueError:
            pass  # the text shows what is wrong with it
    return text
