"""The entry: importing this module is the function's init.

Lambda calls `handler.main.handler`; a local server takes `handler.main:app`.
"""

import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from handler.config import HandlerConfig, initialization_type
from handler.errors import ConfigError
from handler.events import Answer, dispatch
from handler.fetch import fetch_model
from handler.manifest import BundleManifest, read_manifest
from handler.model import ModelHost
from handler.telemetry import InitOutcome, StepTimer, Telemetry

if TYPE_CHECKING:
    from fastapi import FastAPI

    from handler.scoring import Scorer

Handler = Callable[[object, object], Answer]


def start(environ: Mapping[str, str], task_root: Path) -> "tuple[FastAPI, Handler]":
    """Load the model and return the app and Lambda's entry.

    On demand this succeeds whatever happens, and the app says what is wrong.

    :raises InitError: the model cannot be loaded and this init is kept for later use.
    """
    timer = StepTimer()
    with timer.step("manifest"):
        config, manifest, load = _prepare(environ, task_root, timer)
    telemetry = Telemetry(has_cold_start=config.initialization_type == "on-demand")
    host = ModelHost(load, raise_at_init=config.must_load_at_init, telemetry=telemetry)
    outcome: InitOutcome = "failed"
    try:
        host.start()
        with timer.step("app"):
            app, handler = _assemble(host, manifest, config, telemetry)
        outcome = "ready" if host.is_ready else "model_unavailable"
    finally:
        telemetry.init_finished(outcome, dict(timer.steps_ms))
    return app, handler


def _prepare(
    environ: Mapping[str, str], task_root: Path, timer: StepTimer
) -> "tuple[HandlerConfig, BundleManifest | None, Callable[[], Scorer]]":
    try:
        config = HandlerConfig.from_env(environ, task_root)
        manifest = read_manifest(task_root)
    except ConfigError as error:
        bare = HandlerConfig(task_root, initialization_type=initialization_type(environ))
        return bare, None, partial(_refuse, error.message)
    return config, manifest, partial(_load, manifest, config, timer)


def _refuse(message: str) -> NoReturn:
    raise ConfigError(message)


def _load(manifest: BundleManifest, config: HandlerConfig, timer: StepTimer) -> "Scorer":
    with timer.step("fetch"):
        folder = fetch_model(manifest, config)
    with timer.step("load"):
        # Imported here: they bring the model's libraries, and if one is missing the function
        # shall say so in a 503.
        from handler.loaders import load_model
        from handler.parquet import parquet_reader
        from handler.scoring import Scorer

        return Scorer(
            load_model(folder, manifest.model),
            manifest.model,
            parquet=parquet_reader(config),
            hides_schema_details=config.hides_schema_details,
        )


def _assemble(
    host: ModelHost, manifest: BundleManifest | None, config: HandlerConfig, telemetry: Telemetry
) -> "tuple[FastAPI, Handler]":
    # Imported here: FastAPI and Mangum belong to the step that is measured.
    from mangum import Mangum

    from handler.app import create_app

    app = create_app(host, manifest, config, telemetry)
    logging.getLogger("mangum.http").setLevel(logging.WARNING)  # we write the line ourselves
    # Mangum would run the lifespan at every invocation.
    http = Mangum(app, lifespan="off")
    return app, partial(dispatch, http=http, host=host, telemetry=telemetry)


app, handler = start(os.environ, Path(__file__).resolve().parent.parent)
