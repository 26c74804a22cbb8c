"""The HTTP side: MLflow's scoring routes over FastAPI.

The only module that imports FastAPI, which is a good part of the cold start.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handler.config import HandlerConfig
from handler.errors import HandlerError, ModelUnavailable, PredictionError, RequestTimeout
from handler.manifest import BundleManifest
from handler.model import ModelHost
from handler.telemetry import Invocation, Telemetry, trace

MLFLOW_PROTOCOL_VERSION = "3.18.0"
"""The MLflow whose scoring protocol is spoken; the answer of `/version`."""

_JSON = "application/json"
_ROUTES = frozenset(
    {"/invocations", "/ping", "/health", "/version", "/docs", "/redoc", "/openapi.json"}
)
_CLIENT_GONE = 499  # nginx's word for it; nobody is there to read the answer

_Result = TypeVar("_Result")


def create_app(
    host: ModelHost,
    manifest: BundleManifest | None,
    config: HandlerConfig,
    telemetry: Telemetry | None = None,
) -> FastAPI:
    """Return the app that Lambda, `sam local` and the local server run.

    :param manifest: for the documentation; None if it cannot be read.
    """
    app = _App(manifest, config)
    routes = _Routes(host, config.request_timeout_s)
    _add_route(app, "/invocations", routes.invocations, "POST")
    for path in ("/ping", "/health"):
        _add_route(app, path, routes.ping, "GET")
        # MLflow answers 405, but many a health checker sends HEAD.
        app.add_api_route(path, routes.ping, methods=["HEAD"])
    _add_route(app, "/version", routes.version, "GET")
    app.add_middleware(_InvocationLog, telemetry=telemetry or Telemetry())
    return app


class _App(FastAPI):
    """FastAPI that documents the model behind the routes instead of the routes."""

    def __init__(self, manifest: BundleManifest | None, config: HandlerConfig) -> None:
        super().__init__(title="MLflow model")
        self._manifest = manifest
        self._config = config

    def openapi(self) -> dict[str, Any]:
        """Return the document of `/openapi.json`, made when it is first asked for."""
        if self.openapi_schema is None:
            # Imported here: few functions are ever asked, and init is on every cold start.
            from handler.openapi import build_document
            from handler.parquet import parquet_reader

            manifest = self._manifest
            if manifest and self._config.hides_schema_details:
                bare = replace(manifest.model, signature=None, input_example=None)
                manifest = replace(manifest, model=bare)
            has_reader = parquet_reader(self._config).is_available
            self.openapi_schema = build_document(manifest, has_parquet_reader=has_reader)
        return self.openapi_schema


def _add_route(app: FastAPI, path: str, endpoint: Callable[..., Any], method: str) -> None:
    # The slash is answered as it is: MLflow redirects, and clients drop the body on the way.
    for spelling in (path, path + "/"):
        app.add_api_route(spelling, endpoint, methods=[method], response_class=Response)


class _Routes:
    """The endpoints; each answers every error itself, as JSON in MLflow's shape."""

    def __init__(self, host: ModelHost, timeout_s: float | None) -> None:
        self._host = host
        self._timeout_s = timeout_s

    async def invocations(self, request: Request) -> Response:
        """Score rows. The formats are those of MLflow's scoring server."""
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response(status_code=_CLIENT_GONE)
        content_type = request.headers.get("content-type")
        return await self._answer(request, lambda: self._score(request, body, content_type))

    async def ping(self, request: Request) -> Response:
        """Tell whether the model is loaded."""
        return await self._answer(request, self._ping)

    async def version(self) -> Response:
        """Return the version of MLflow whose scoring protocol is spoken."""
        return Response(MLFLOW_PROTOCOL_VERSION, media_type=_JSON)

    def _score(self, request: Request, body: bytes, content_type: str | None) -> Response:
        scorer = self._host.scorer()
        invocation: Invocation = request.scope["invocation"]
        telemetry: Telemetry = request.scope["telemetry"]
        with telemetry.scoring(invocation):
            result = scorer.score(body, content_type)
        invocation.rows = result.rows
        return Response(result.body, media_type=_JSON)

    def _ping(self) -> Response:
        self._host.scorer()
        return Response("\n", media_type=_JSON)

    async def _answer(self, request: Request, work: Callable[[], Response]) -> Response:
        try:
            return await self._run(request, work)
        except HandlerError as error:
            return _error_response(request.scope["invocation"], error)
        except Exception as error:
            hidden = HandlerError("Internal error; the cause is in the function's log.")
            hidden.__cause__ = error
            return _error_response(request.scope["invocation"], hidden)

    async def _run(self, request: Request, work: Callable[[], _Result]) -> _Result:
        if self._timeout_s is not None:
            try:
                # As in MLflow the thread is not stopped, it only is not waited for.
                return await asyncio.wait_for(asyncio.to_thread(work), self._timeout_s)
            except TimeoutError as error:
                raise RequestTimeout("Request processing time exceeded limit") from error
        if "aws.event" in request.scope:
            return work()  # one request at a time: a thread would only cost
        return await asyncio.to_thread(work)


def _error_response(invocation: Invocation, error: HandlerError) -> Response:
    invocation.error_code = error.error_code
    if isinstance(error, PredictionError) or error.status == HandlerError.status:
        invocation.error = trace(error)
    headers = {}
    if isinstance(error, ModelUnavailable):
        headers["Retry-After"] = str(error.retry_after_s)
    return Response(error.to_json(), error.status, headers, media_type=_JSON)


class _InvocationLog:
    """ASGI middleware: one log line for each request, on Lambda and under a local server."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = getattr(scope.get("aws.context"), "aws_request_id", None)
        invocation = self._telemetry.start(request_id)
        invocation.method = scope["method"]
        path = scope["path"].rstrip("/")
        invocation.path = path if path in _ROUTES else None
        scope["invocation"] = invocation
        scope["telemetry"] = self._telemetry

        async def send_noting_status(message: Message) -> None:
            if message["type"] == "http.response.start":
                invocation.status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        finally:
            self._telemetry.finish(invocation)
