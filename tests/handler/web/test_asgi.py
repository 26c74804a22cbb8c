"""The routes without FastAPI answer what FastAPI's routes answer."""

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest

from handler.config import HandlerConfig
from handler.errors import ModelFetchError
from handler.host.model import ModelHost
from handler.telemetry import Telemetry
from handler.web.asgi import AsgiApp
from tests.support.scorers import Recorder, column, scorer

SPLIT = json.dumps({"dataframe_split": {"columns": ["a"], "data": [[1.5], [2.5]]}})
REQUESTS = [
    ("POST", "/invocations", SPLIT, "application/json", 200),
    ("POST", "/invocations/", SPLIT, "application/json; charset=utf-8", 200),
    ("POST", "/invocations", "a\n1.5\n", "text/csv", 200),
    ("POST", "/invocations", SPLIT, None, 200),
    ("POST", "/invocations", SPLIT, "text/plain", 415),
    ("POST", "/invocations", "{", "application/json", 400),
    ("POST", "/invocations", "", "application/json", 400),
    ("POST", "/invocations", '{"inputs": {"b": [1]}}', "application/json", 400),
    ("HEAD", "/ping", "", None, 200),
    ("HEAD", "/health", "", None, 200),
    ("GET", "/nothing/here", "", None, 404),
    ("POST", "/", "", None, 404),
    ("GET", "/ping", "", None, 200),
    ("GET", "/ping/", "", None, 200),
    ("GET", "/health", "", None, 200),
    ("GET", "/version", "", None, 200),
    ("GET", "/version/", "", None, 200),
]


@pytest.fixture
def front(tmp_path: Any) -> AsgiApp:
    model = scorer(Recorder([3.0, 5.0]), column("double", "a"))
    return make_front(ModelHost(lambda: model), tmp_path)


def make_front(host: ModelHost, folder: Any) -> AsgiApp:
    telemetry = Telemetry(write=lambda line: None)
    return AsgiApp(host, None, HandlerConfig(task_root=folder), telemetry)


def ask(app: Any, scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, str], bytes]:
    messages: list[dict[str, Any]] = []
    # In two pieces, as a server may hand it over.
    pieces = [(body[:3], True), (body[3:], False)]

    async def receive() -> dict[str, Any]:
        piece, has_more = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": has_more}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    asyncio.run(app(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return messages[0]["status"], headers, b"".join(m.get("body", b"") for m in messages[1:])


def scope_of(method: str, path: str, content_type: str | None) -> dict[str, Any]:
    headers = [(b"host", b"x")] + (
        [(b"content-type", content_type.encode())] if content_type else []
    )
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
    }


@pytest.mark.parametrize(("method", "path", "body", "content_type", "status"), REQUESTS)
def test_a_route_answers_as_fastapis_route_does(
    front: AsgiApp, method: str, path: str, body: str, content_type: str | None, status: int
) -> None:
    ours = ask(front, scope_of(method, path, content_type), body.encode())
    through = scope_of(method, path, content_type)
    front._start(through)  # what a request has on its way to FastAPI
    theirs = ask(front.framework(), through, body.encode())
    assert ours == theirs
    assert ours[0] == status


def test_an_unavailable_model_is_answered_alike_with_the_time_to_come_back(tmp_path: Any) -> None:
    def fail() -> Any:
        raise ModelFetchError("s3 is away")

    host = ModelHost(fail, clock=lambda: 0.0)
    for _ in range(3):
        with pytest.raises(Exception, match="not ready"):
            host.scorer()
    front = make_front(host, tmp_path)
    ours = ask(front, scope_of("GET", "/ping", None), b"")
    through = scope_of("GET", "/ping", None)
    front._start(through)
    assert ours == ask(front.framework(), through, b"")
    assert ours[0] == 503
    assert int(ours[1]["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/invocations", 405), ("POST", "/ping", 405), ("GET", "/nothing", 404)],
)
def test_other_requests_are_fastapis(front: AsgiApp, method: str, path: str, status: int) -> None:
    assert ask(front, scope_of(method, path, None), b"")[0] == status


def test_a_path_below_a_root_path_is_found(front: AsgiApp) -> None:
    scope = scope_of("GET", "/prod/version", None) | {"root_path": "/prod"}
    assert ask(front, scope, b"")[2] == b"3.18.0"


def test_scoring_imports_no_web_framework() -> None:
    program = """
import asyncio, json, sys
from pathlib import Path
from handler.config import HandlerConfig
from handler.web.asgi import AsgiApp
from handler.host.model import ModelHost
from tests.support.scorers import Recorder, scorer

front = AsgiApp(ModelHost(lambda: scorer(Recorder([1]))), None, HandlerConfig(task_root=Path()))
async def receive():
    return {"type": "http.request", "body": b'{"inputs": [1]}'}
async def send(message):
    print(message.get("status", ""), file=sys.stderr)
scope = {"type": "http", "method": "POST", "path": "/invocations",
         "headers": [(b"content-type", b"application/json")]}
asyncio.run(front(scope, receive, send))
print([name for name in ("fastapi", "starlette", "pydantic") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert "200" in done.stderr
