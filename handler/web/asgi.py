"""The ASGI app that Lambda, `sam local` and the local server run.

It answers the scoring routes itself and leaves all else (documentation, unknown paths, wrong
methods) to the FastAPI app, which is imported when the first such request comes: that import is
most of what a compiled model's cold start would take.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from handler.config import HandlerConfig
from handler.host.model import ModelHost
from handler.manifest import BundleManifest
from handler.telemetry import Invocation, Telemetry
from handler.web.endpoints import (
    CLIENT_GONE,
    JSON,
    Call,
    Endpoints,
    Reply,
    as_internal,
    error_reply,
)

if TYPE_CHECKING:
    from fastapi import FastAPI

# ASGI's (asgi.readthedocs.io, HTTP connection scope); Starlette's names for them are its own.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_PATHS = frozenset(
    {"/invocations", "/ping", "/health", "/version", "/docs", "/redoc", "/openapi.json"}
)
_NOT_FOUND = b'{"detail":"Not Found"}'
"""FastAPI's."""


class AsgiApp:
    """Answers requests, and writes one log line for each.

    :param manifest: for the documentation; None if it cannot be read.
    """

    def __init__(
        self,
        host: ModelHost,
        manifest: BundleManifest | None,
        config: HandlerConfig,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._endpoints = Endpoints(host, config.request_timeout_s)
        self._manifest = manifest
        self._config = config
        self._telemetry = telemetry or Telemetry()
        self._framework: FastAPI | None = None
        self._routes = self._endpoints.routes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] != "http":
            await self.framework()(scope, receive, send)
            return
        invocation = self._start(scope)

        async def send_noting_status(message: Message) -> None:
            if message["type"] == "http.response.start":
                invocation.status = message["status"]
            await send(message)

        try:
            await self._answer(scope, receive, send_noting_status)
        finally:
            self._telemetry.finish(invocation)

    def framework(self) -> "FastAPI":
        """Return the FastAPI app with the same routes, made when it is first needed."""
        if self._framework is None:
            # Imported here: few functions are ever asked for what only it answers.
            from handler.web.fastapi_app import create_app

            self._framework = create_app(self._endpoints, self._manifest, self._config)
        return self._framework

    def _start(self, scope: Scope) -> Invocation:
        invocation = self._telemetry.start(scope.get("aws.context"))
        invocation.method = scope["method"]
        path = scope["path"].rstrip("/")
        invocation.path = path if path in _PATHS else None
        scope["invocation"] = invocation
        scope["telemetry"] = self._telemetry
        return invocation

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._routes.get((scope["method"], scope["path"]))
        if endpoint is None or scope.get("root_path"):
            await self._answer_by_framework(scope, receive, send)
            return
        body = await _read_body(receive)
        reply = Reply(b"", CLIENT_GONE) if body is None else await endpoint(Call.of(scope, body))
        await _send(reply, send)

    async def _answer_by_framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/")
        if not scope.get("root_path") and path not in _PATHS and not path.startswith("/docs/"):
            # What scanners of public addresses ask for is not worth FastAPI's import.
            await _send(Reply(_NOT_FOUND, 404), send)
            return
        try:
            framework = self.framework()
        except Exception as error:
            await _send(error_reply(scope["invocation"], as_internal(error)), send)
        else:
            await framework(scope, receive, send)


async def _read_body(receive: Receive) -> bytes | None:
    """Return the whole body; None if the client went away before its end."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _send(reply: Reply, send: Send) -> None:
    headers = {**reply.headers, "content-length": str(len(reply.body)), "content-type": JSON}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": reply.body})
