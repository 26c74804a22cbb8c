"""The entry: importing this module is the function's init.

Lambda calls `handler.main.handler`; a local server takes `handler.main:app`.
"""

import contextlib
import importlib
import logging
import os
import time
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from handler.config import HandlerConfig, initialization_type
from handler.errors import ConfigError, HandlerError, ModelFetchError, StillFetching
from handler.fetch.fetch import fetch_model
from handler.home import make_home
from handler.host.background import Background
from handler.host.model import ModelHost
from handler.manifest import BundleManifest, read_manifest
from handler.telemetry import InitOutcome, StepTimer, Telemetry
from handler.threads import limit_threads
from handler.web.asgi import AsgiApp
from handler.web.events import Answer, dispatch

if TYPE_CHECKING:
    from handler.requests.scorer import Scorer

_INIT_S = 8.0
"""How long an init on demand waits for a model. Lambda ends one after 10 s and runs it again
in the first invocation, and what it had fetched by then was in vain."""

_logger = logging.getLogger(__name__)

Handler = Callable[[object, object], Answer]


def start(environ: MutableMapping[str, str], task_root: Path) -> tuple[AsgiApp, Handler]:
    """Load the model and return the app and Lambda's entry.

    On demand this succeeds whatever happens, and the app says what is wrong.

    :raises InitError: the model cannot be loaded and this init is kept for later use.
    """
    timer = StepTimer()
    limit_threads(environ)
    make_home(environ)
    with timer.step("manifest"):
        config, manifest, load = _prepare(environ, task_root, timer)
    telemetry = Telemetry(
        function_name=environ.get("AWS_LAMBDA_FUNCTION_NAME"),
        has_cold_start=config.initialization_type == "on-demand",
    )
    host = ModelHost(load, raise_at_init=config.must_load_at_init, telemetry=telemetry)
    outcome: InitOutcome = "failed"
    try:
        with timer.step("app"):
            app, handler = _assemble(host, manifest, config, telemetry)
        host.start()
        if config.must_load_at_init and manifest is not None and manifest.packed:
            with timer.step("unpack"):
                _unpack_now(app)
        if config.initialization_type == "snap-start":
            from handler.host.snapstart import register_hooks  # nobody else needs it

            register_hooks()
        outcome = "fetching" if host.is_fetching else "model_unavailable"
        outcome = "ready" if host.is_ready else outcome
    finally:
        telemetry.init_finished(outcome, dict(timer.steps_ms))
    return app, handler


def _prepare(
    environ: Mapping[str, str], task_root: Path, timer: StepTimer
) -> "tuple[HandlerConfig, BundleManifest | None, Callable[[], Scorer]]":
    config = HandlerConfig(task_root, initialization_type=initialization_type(environ))
    manifest, problem = None, None
    try:
        config = HandlerConfig.from_env(environ, task_root)
    except ConfigError as error:
        problem = error
    try:
        manifest = read_manifest(task_root)
    except ConfigError as error:
        problem = problem or error
    if manifest is not None and manifest.packed:
        # Imported here: a bundle that has everything unpacked does without.
        from handler.fetch.on_demand import add_finders

        add_finders(manifest.packed, config)
    if manifest is None or problem is not None:
        return config, manifest, partial(_refuse, problem.message if problem else "")
    return config, manifest, _Loading(manifest, config, timer)


def _refuse(message: str) -> NoReturn:
    raise ConfigError(message)


class _Loading:
    """Loads the model; the first fetch begins at once, while the init goes on to import."""

    def __init__(self, manifest: BundleManifest, config: HandlerConfig, timer: StepTimer) -> None:
        self._manifest = manifest
        self._config = config
        self._timer = timer
        ends_s = time.monotonic() + _INIT_S
        self._init_ends_s = None if config.must_load_at_init else ends_s
        self._was_frozen = False
        self._fetching: Background[Path] | None = Background(self._fetch)

    def __call__(self) -> "Scorer":
        """Return the scorer.

        :raises StillFetching: the init must end; what is on its way is for the next call.
        :raises Exception: whatever the fetch or the model's library raises.
        """
        with self._timer.step("imports"):
            # Imported here: they bring the model's libraries, and if one is missing the
            # function shall say so in a 503.
            from handler.loaders.load import import_ahead, load_model
            from handler.requests.parquet import parquet_reader
            from handler.requests.scorer import Scorer

            import_ahead(self._manifest.model)
        with self._timer.step("fetch_wait"):
            folder = self._fetched()
        with self._timer.step("load"):
            scorer = Scorer(
                load_model(folder, self._manifest.model),
                self._manifest.model,
                parquet=parquet_reader(self._config),
                hides_schema_details=self._config.hides_schema_details,
            )
        with self._timer.step("warm_up"), contextlib.suppress(Exception):
            self._warm_up(scorer)
        return scorer

    def _fetched(self) -> Path:
        fetching, ends_s = self._fetching, self._init_ends_s
        self._init_ends_s = None  # the next call has the function's own timeout
        if fetching is None:
            return self._fetch()
        if ends_s is not None and not fetching.ends_within(ends_s - time.monotonic()):
            self._was_frozen = True
            raise StillFetching("the model is still being fetched")
        self._fetching = None
        try:
            return fetching.result()
        except ModelFetchError:
            if not self._was_frozen:
                raise
            # Its connections ended while Lambda had the process frozen, before the invocation.
            return self._fetch()

    def _warm_up(self, scorer: "Scorer") -> None:
        model = self._manifest.model
        # A model of the user's own classes may do more than compute when it predicts.
        request = model.input_example or model.sample
        if request is not None and model.engine.is_of_libraries:
            scorer.warm_up(request)

    def _fetch(self) -> Path:
        with self._timer.step("fetch"):
            return fetch_model(self._manifest, self._config)


def _unpack_now(app: AsgiApp) -> None:
    """Import what is packed, in an init that is kept so that no request is cold."""
    try:
        app.framework()
        importlib.import_module("pandas")
    except (HandlerError, ImportError):
        _logger.exception("what is packed cannot be unpacked; requests that need it will say so")


def _assemble(
    host: ModelHost, manifest: BundleManifest | None, config: HandlerConfig, telemetry: Telemetry
) -> tuple[AsgiApp, Handler]:
    # Imported here: Mangum belongs to the step that is measured.
    from mangum import Mangum

    app = AsgiApp(host, manifest, config, telemetry)
    logging.getLogger("mangum.http").setLevel(logging.WARNING)  # we write the line ourselves
    # Mangum would run the lifespan at every invocation.
    http = Mangum(app, lifespan="off")
    return app, partial(dispatch, http=http, host=host, telemetry=telemetry)


app, handler = start(os.environ, Path(__file__).resolve().parent.parent)
