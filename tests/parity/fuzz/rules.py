"""What every answer must be, whatever was asked."""

import asyncio
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .bodies import Body

CALL_LIMIT_S = 20
_ERROR_FIELDS = {"error_code", "message", "sqlstate", "error_class"}
_MOST_ERROR_BYTES = 4_000
"""An error names the fault; much more would be an echo of the request."""


class HangError(BaseException):
    """A call took longer than it may; no `except Exception` of the handler shall hide it."""


class Context:
    """What awslambdaric hands over, cut to what is used."""

    aws_request_id = "request-7"


def fault_of_body(app: Any, body: Body) -> str | None:
    """Return what is wrong with the app's answer to a body; None if nothing is."""

    def call() -> str | None:
        status, text = post(app, body)
        if status not in (200, 400, 415):
            return f"status {status}: {text[:200]!r}"
        return _fault_of_json(status, text)

    return _bounded(call)


def fault_of_event(handler: Callable[[object, object], Any], event: object) -> str | None:
    """Return what is wrong with a function's answer to an event; None if nothing is."""

    def call() -> str | None:
        answer = handler(event, Context())
        if not isinstance(answer, dict) or type(answer.get("statusCode")) is not int:
            return f"no HTTP answer: {str(answer)[:200]}"
        json.dumps(answer, ensure_ascii=False).encode()  # as the runtime's client does
        status, text = answer["statusCode"], answer.get("body")
        if not isinstance(text, str) or type(answer.get("isBase64Encoded")) is not bool:
            return f"status {status} without a body"
        if not 200 <= status < 500:
            return f"status {status}: {text[:200]}"
        is_json = "application/json" in json.dumps(
            [answer.get("headers"), answer.get("multiValueHeaders")]
        )
        return _fault_of_json(status, text.encode()) if text and is_json else None

    return _bounded(call)


def post(app: Any, body: Body) -> tuple[int, bytes]:
    """Return status and body of the answer to a scoring request."""
    return asyncio.get_event_loop().run_until_complete(_post(app, body))


def _fault_of_json(status: int, text: bytes) -> str | None:
    if text in (b"\n", b"3.18.0"):  # the health check's and the version's, as MLflow writes them
        return None
    answer = json.loads(text)
    if status < 400:
        return None
    if status in (404, 405) and set(answer) == {"detail"}:
        return None  # as MLflow's
    if set(answer) != _ERROR_FIELDS or not all(isinstance(v, str) for v in answer.values()):
        return f"status {status} without the error's fields: {text[:200]!r}"
    return f"an error of {len(text)} bytes" if len(text) > _MOST_ERROR_BYTES else None


def _bounded(call: Callable[[], str | None]) -> str | None:
    try:
        with _limit():
            return call()
    except HangError:
        return f"longer than {CALL_LIMIT_S} s"
    except Exception as error:
        return f"uncaught {type(error).__name__}: {str(error)[:200]}"


@contextmanager
def _limit() -> Iterator[None]:
    def raise_hang(*_: object) -> None:
        raise HangError

    previous = signal.signal(signal.SIGALRM, raise_hang)
    signal.setitimer(signal.ITIMER_REAL, CALL_LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


async def _post(app: Any, body: Body) -> tuple[int, bytes]:
    headers = [] if body.content_type is None else [(b"content-type", body.content_type)]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": "/invocations",
        "raw_path": b"/invocations",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "server": ("localhost", 443),
        "client": ("192.0.2.1", 1),
        "aws.event": {},  # scored in this thread, as on Lambda
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body.data, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])
