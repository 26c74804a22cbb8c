"""Recorded models behind our app.

Importing MLflow takes seconds and warns: import this where a test runs, not where it is found.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import mlflow.pyfunc
import yaml
from fastapi.testclient import TestClient

from handler.config import HandlerConfig
from handler.front import Front
from handler.loaders import load_model
from handler.manifest import BundleManifest, ModelInfo, TargetInfo
from handler.model import ModelHost
from handler.scoring import Scorer
from packager.mlmodel import read_mlmodel

from .replay import FOLDER, Record, Reply


class PythonModel:
    """A custom pyfunc loaded by MLflow's own code, until the handler has that flavor."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        config = json.loads(environ.get("SERVING_MODEL_CONFIG", "null"))
        model = mlflow.pyfunc.load_model(str(folder), model_config=config)
        self._implementation = model._model_impl

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        return self._implementation.predict(data, params=params)


def serve(name: str, environ: dict[str, str]) -> TestClient:
    """Return a client of our app, with a recorded model behind it."""
    folder = FOLDER / "models" / name
    with _environment(environ):
        if name.startswith("pyfunc_"):
            info = _python_model_info(folder)
            predictor = PythonModel(folder, environ)
        else:
            info = read_mlmodel(folder).info
            predictor = load_model(folder, info)
    config = HandlerConfig.from_env(environ, folder)
    hides = config.hides_schema_details
    host = ModelHost(lambda: Scorer(predictor, info, hides_schema_details=hides))
    host.start()
    manifest = BundleManifest("0", TargetInfo("python3.11", "x86_64"), info, "embedded", None)
    # As in Lambda and under our server, an exception is never the caller's to see.
    return TestClient(
        Front(host, manifest, config), raise_server_exceptions=False, follow_redirects=False
    )


def ask(client: TestClient, record: Record) -> Reply:
    """Put a recorded request."""
    # MLflow reads this one where it enforces the type hints of a Python model.
    with _environment({"_MLFLOW_IS_IN_SERVING_ENVIRONMENT": "true"}):
        reply = client.request(
            record.method, record.path, headers=record.headers, content=record.content
        )
    return Reply(reply.status_code, reply.headers.get("content-type"), reply.text)


def _python_model_info(folder: Path) -> ModelInfo:
    document = yaml.safe_load((folder / "MLmodel").read_text())
    parts = document.get("signature")
    return ModelInfo(
        flavor="pyfunc",
        data_path="",
        serialization_format="cloudpickle",
        signature=parts and {part: text and json.loads(text) for part, text in parts.items()},
        is_signature_from_type_hint=document.get("is_signature_from_type_hint", False),
    )


@contextmanager
def _environment(environ: dict[str, str]) -> Iterator[None]:
    with mock.patch.dict(os.environ, environ):
        yield
