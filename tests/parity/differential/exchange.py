"""What is asked and answered, and one call of an ASGI app without a socket."""

import asyncio
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

JSON = "application/json"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"


@dataclass(frozen=True)
class Request:
    """A request to the scoring server of one model."""

    body: bytes
    content_type: str | None = JSON
    """None: the header is absent."""
    method: str = "POST"
    path: str = "/invocations"


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str | None
    body: bytes


def ask(app: Any, loop: asyncio.AbstractEventLoop, request: Request) -> Answer:
    """Return what an app answers; what it raises after its answer is not looked at."""
    messages: list[dict[str, Any]] = []
    loop.run_until_complete(_call(app, request, messages))
    start, *rest = messages
    headers = {name.lower(): value for name, value in start["headers"]}
    content_type = headers.get(b"content-type")
    return Answer(
        start["status"],
        None if content_type is None else content_type.decode("latin-1"),
        b"".join(message.get("body", b"") for message in rest),
    )


async def _call(app: Any, request: Request, messages: list[dict[str, Any]]) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    headers = [(b"host", b"localhost"), (b"content-length", str(len(request.body)).encode())]
    if request.content_type is not None:
        headers.append((b"content-type", request.content_type.encode("latin-1")))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    try:
        await app(scope, receive, send)
    except Exception:
        # Starlette answers 500 and raises the cause again, for the server's log.
        if not messages:
            raise


_LENGTH = struct.Struct(">I")


def write_frame(stream: BinaryIO, data: bytes) -> None:
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes | None:
    """Return the next frame; None at the end of the stream."""
    head = stream.read(_LENGTH.size)
    return stream.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else None
