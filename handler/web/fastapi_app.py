"""The FastAPI app: the scoring routes as FastAPI's own, the documentation, 404 and 405.

The only module that imports FastAPI, which is a good part of what a cold start could take;
`handler/web/asgi.py` imports it when a request needs it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from handler.config import HandlerConfig
from handler.manifest import BundleManifest
from handler.web.endpoints import CLIENT_GONE, JSON, Call, Endpoint, Endpoints


def create_app(
    endpoints: Endpoints, manifest: BundleManifest | None, config: HandlerConfig
) -> FastAPI:
    """Return the app. Its requests come through `handler.web.asgi.AsgiApp`, which logs them.

    :param manifest: for the documentation; None if it cannot be read.
    """
    app = _App(manifest, config)
    for (method, path), endpoint in endpoints.routes().items():
        app.add_api_route(path, _route(endpoint), methods=[method], response_class=Response)
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
            from handler.requests.parquet import parquet_reader
            from handler.web.openapi import build_document

            manifest = self._manifest
            if manifest and self._config.hides_schema_details:
                bare = replace(manifest.model, signature=None, input_example=None)
                manifest = replace(manifest, model=bare)
            has_reader = parquet_reader(self._config).is_available
            self.openapi_schema = build_document(manifest, has_parquet_reader=has_reader)
        return self.openapi_schema


def _route(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        reply = await endpoint(Call.of(request.scope, body))
        return Response(reply.body, reply.status, dict(reply.headers), media_type=JSON)

    return answer
