"""Recorded models behind our app, each loaded as in its bundle."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from unittest import mock

from fastapi.testclient import TestClient

from handler.config import HandlerConfig
from handler.host.model import ModelHost
from handler.loaders.load import load_model
from handler.manifest import BundleManifest, TargetInfo
from handler.requests.scorer import Scorer
from handler.web.asgi import AsgiApp
from packager.model.mlmodel import read_mlmodel
from tests.support.without_mlflow import without_mlflow

from .replay import FOLDER, Record, Reply


@dataclass(frozen=True)
class Served:
    """A recorded model behind our app."""

    client: TestClient
    surroundings: Callable[[], AbstractContextManager[None]]
    """Has what the model's bundle has: MLflow, or what stands in for it."""


def serve(name: str, environ: dict[str, str]) -> Served:
    """Serve a recorded model."""
    folder = FOLDER / "models" / name
    info = read_mlmodel(folder).info
    needs_mlflow = info.options.get("has_mlflow")
    surroundings = nullcontext if needs_mlflow else partial(without_mlflow, {})
    with mock.patch.dict(os.environ, environ), surroundings():
        predictor = load_model(folder, info)
    config = HandlerConfig.from_env(environ, folder)
    hides = config.hides_schema_details
    host = ModelHost(lambda: Scorer(predictor, info, hides_schema_details=hides))
    host.start()
    manifest = BundleManifest("0", TargetInfo("python3.11", "x86_64"), info, "embedded", None)
    # As in Lambda and under our server, an exception is never the caller's to see.
    app = AsgiApp(host, manifest, config)
    client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
    return Served(client, surroundings)


def ask(served: Served, record: Record) -> Reply:
    """Put a recorded request."""
    with served.surroundings():
        reply = served.client.request(
            record.method, record.path, headers=record.headers, content=record.content
        )
    return Reply(reply.status_code, reply.headers.get("content-type"), reply.text)
