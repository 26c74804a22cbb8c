"""Where a warm invocation's CPU time goes: one row of 30 doubles, from event to answer.

    python -m benchmarks.warm [--json]

Each layer contains the one before it, so a layer costs what it adds. They take turns. The model
is trivial and the log goes nowhere.
"""

import argparse
import asyncio
import json
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from mangum import Mangum

from benchmarks.protocol import FORMATS, our_scorer, request_body
from handler.config import HandlerConfig
from handler.host.model import ModelHost
from handler.requests.envelope import read_envelope
from handler.telemetry import Telemetry
from handler.web.asgi import AsgiApp
from handler.web.events import dispatch

_ROUNDS = 1500
_HEADERS = {"host": "abc.example.com", "content-type": "application/json"}

Layers = dict[str, Callable[[], object]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    as_json = parser.parse_args().json
    times_ms = measure(layers(request_body(FORMATS[0], rows=1)))
    print(json.dumps(times_ms) if as_json else table(times_ms))


def layers(body: bytes) -> Layers:
    """Return what is measured, innermost first; each answers the same request."""
    logging.getLogger("mangum.http").setLevel(logging.WARNING)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # Mangum takes this one
    scorer = our_scorer()
    host = ModelHost(lambda: scorer)
    host.start()
    telemetry = Telemetry(write=lambda line: None)
    app = AsgiApp(host, None, HandlerConfig(task_root=Path()), telemetry)
    http = Mangum(app, lifespan="off")
    event = _event(body)
    return {
        "JSON and envelope": lambda: read_envelope(body, ()),
        "frame, prediction, answer's JSON": lambda: scorer.score(body, "application/json"),
        "FastAPI and our middleware": lambda: loop.run_until_complete(_call(app, body)),
        "Mangum": lambda: http(event, None),
        "dispatch": partial(dispatch, event, None, http=http, host=host, telemetry=telemetry),
    }


def measure(layers: Layers) -> dict[str, float]:
    """Return the median CPU time of each layer in ms."""
    times_s: dict[str, list[float]] = {name: [] for name in layers}
    for _ in range(_ROUNDS):
        for name, work in layers.items():
            started_s = time.process_time()
            work()
            times_s[name].append(time.process_time() - started_s)
    return {name: median(spent_s) * 1000 for name, spent_s in times_s.items()}


def table(times_ms: dict[str, float]) -> str:
    """Return a Markdown table of what each layer adds."""
    total_ms = max(times_ms.values())
    lines = ["| layer | CPU ms it adds | share |", "|---|---:|---:|"]
    before_ms = 0.0
    for name, until_ms in times_ms.items():
        added_ms = until_ms - before_ms
        lines.append(f"| {name} | {added_ms:.3f} | {added_ms / total_ms:.0%} |")
        before_ms = until_ms
    return "\n".join([*lines, f"| **whole invocation** | {total_ms:.3f} | |"])


async def _call(app: Any, body: bytes) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        assert message.get("status", 200) == 200

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": "/invocations",
        "raw_path": b"/invocations",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in _HEADERS.items()],
        "aws.event": {},  # so that the app scores without a thread, as on Lambda
    }
    await app(scope, receive, send)


def _event(body: bytes) -> dict[str, Any]:
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/invocations",
        "rawQueryString": "",
        "headers": _HEADERS,
        "requestContext": {
            "stage": "$default",
            "http": {"method": "POST", "path": "/invocations", "sourceIp": "192.0.2.1"},
        },
        "body": body.decode(),
        "isBase64Encoded": False,
    }


if __name__ == "__main__":
    main()
