"""Our scoring app for a model folder, asked in this process."""

import asyncio
import json
import shutil
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from handler.config import HandlerConfig
from handler.host.model import ModelHost
from handler.loaders.load import load_model
from handler.manifest import MODEL_FOLDER, ModelInfo
from handler.predictor import Predictor
from handler.requests.scorer import Scorer
from handler.telemetry import Telemetry
from handler.web.asgi import AsgiApp
from packager.engine.choose import COMPARED_ROWS, DEFAULT_TOLERANCE
from packager.engine.converter.engine_choice import choose_engine
from packager.engine.converter.learned import learned_by
from packager.model.mlmodel import read_mlmodel

from .catalog import COMPILED, ECHOING, Echoing
from .exchange import Answer, Request, ask


class EchoPredictor:
    """A custom model without MLflow around it, until there is a loader for its flavor."""

    def __init__(self, entry: Echoing) -> None:
        self._entry = entry

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        return self._entry.predict(data, params)


class OurServer:
    """One model behind our app."""

    def __init__(self, name: str, folder: Path) -> None:
        self.info = read_info(name, folder)
        self._scratch = tempfile.TemporaryDirectory()
        if name.startswith(COMPILED):
            folder, self.info = compiled(folder, self.info, Path(self._scratch.name))
        self._loop = asyncio.new_event_loop()
        telemetry = Telemetry(write=lambda line: None)
        host = ModelHost(lambda: Scorer(_predictor(name, folder, self.info), self.info))
        host.start()
        if not host.is_ready:
            host.scorer()  # raises, with the cause
        self._app = AsgiApp(host, None, HandlerConfig(task_root=folder), telemetry)

    def ask(self, request: Request) -> Answer:
        # What the libraries under a model warn of is not part of its answer.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ask(self._app, self._loop, request)

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self._scratch.cleanup()


def read_info(name: str, folder: Path) -> ModelInfo:
    """Return what our handler knows of a model."""
    if name not in ECHOING:
        return read_mlmodel(folder).info
    document = yaml.safe_load((folder / "MLmodel").read_text())
    parts = document.get("signature") or {}
    signature = {part: json.loads(text) if text else None for part, text in parts.items()}
    return ModelInfo("sklearn", "python_model.pkl", "cloudpickle", signature=signature or None)


def compiled(folder: Path, info: ModelInfo, scratch: Path) -> tuple[Path, ModelInfo]:
    """Return the folder and the description of the model as a bundle carries it."""
    shutil.copytree(folder, scratch / MODEL_FOLDER)
    predictor: Any = load_model(folder, info)
    engine = choose_engine(
        predictor,
        info,
        wanted="arrays",
        tolerance=DEFAULT_TOLERANCE,
        count=COMPARED_ROWS,
        rewrites=False,
        folder=scratch,
        learned=learned_by(predictor.model, info.predict_fn),
    )
    assert engine.name == "arrays", engine.reason
    return scratch / MODEL_FOLDER, replace(info, engine=engine)


def _predictor(name: str, folder: Path, info: ModelInfo) -> Predictor:
    return EchoPredictor(ECHOING[name]) if name in ECHOING else load_model(folder, info)
