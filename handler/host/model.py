"""Keeps the model, and heals when it cannot be loaded at first."""

import math
import re
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from handler.errors import HandlerError, InitError, ModelLoadError, ModelUnavailable, StillFetching
from handler.telemetry import Telemetry

if TYPE_CHECKING:
    # Imported for the types only: it brings the libraries that the load step is to measure.
    from handler.requests.scorer import Scorer

_MAX_WAIT_S = 30.0
_ABSOLUTE_FOLDER = re.compile(r"(?<![\w:/])(?:/[^\s/'\"]+)*/(?=[^\s/'\"])")


class ModelHost:
    """The model of this process: loaded at init, or by a later invocation.

    A failed load must end neither the process nor the request: a crash would reach the caller
    as API Gateway's opaque 502, again and again. Safe for use by several threads.

    :param load: makes the scorer; called again after a failure.
    :param raise_at_init: for an init that is kept (SnapStart, provisioned concurrency): there
        a failure must stop the deployment.
    :param clock: seconds, monotonic.
    """

    def __init__(
        self,
        load: "Callable[[], Scorer]",
        *,
        raise_at_init: bool = False,
        telemetry: Telemetry | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._raise_at_init = raise_at_init
        self._telemetry = telemetry or Telemetry()
        self._clock = clock
        self._lock = threading.Lock()
        self._scorer: Scorer | None = None
        self._error: InitError = ModelLoadError("not tried yet")
        self._attempts = 0
        self._next_attempt_s = -math.inf

    @property
    def is_ready(self) -> bool:
        """Whether the model is loaded."""
        return self._scorer is not None

    @property
    def is_fetching(self) -> bool:
        """Whether the model is on its way, and the next invocation waits for it."""
        return isinstance(self._error, StillFetching) and not self.is_ready

    def start(self) -> None:
        """Load the model in the init phase.

        :raises InitError: only with `raise_at_init`.
        """
        with self._lock:
            self._try()
        if self._scorer is None and self._raise_at_init:
            raise self._error

    def scorer(self) -> "Scorer":
        """Return the loaded model, after one more attempt if that is due.

        :raises ModelUnavailable: it is not loaded; says why and when to come back.
        """
        return self._scorer or self._late_scorer()

    def _late_scorer(self) -> "Scorer":
        with self._lock:
            if self._scorer is None and self._clock() >= self._next_attempt_s:
                self._try()
            if self._scorer is not None:
                return self._scorer
            wait_s = max(1, math.ceil(self._next_attempt_s - self._clock()))
            text = f"The model is not ready: {self._error.public_message}"
            raise ModelUnavailable(text, wait_s) from self._error

    def _try(self) -> None:
        self._attempts += 1
        try:
            self._scorer = self._load()
        except StillFetching as error:  # no failure, and no attempt of its own
            self._attempts -= 1
            self._error = error
        # SystemExit too: a model's own code may call sys.exit, and that must not end Lambda's.
        except (Exception, SystemExit) as error:
            self._failed(error)
        else:
            if self._attempts > 1:
                self._telemetry.model_recovered(self._attempts)

    def _failed(self, cause: BaseException) -> None:
        error = _as_init_error(cause)
        if error.message != self._error.message:  # a cause is logged once, not every time
            self._telemetry.model_failed(error)
        self._error = error
        # At once after the init, then 1, 2, 4 ... seconds between attempts.
        wait_s = 0.0 if self._attempts == 1 else 2.0 ** min(self._attempts - 2, 10)
        self._next_attempt_s = self._clock() + min(wait_s, _MAX_WAIT_S)


def _as_init_error(cause: BaseException) -> InitError:
    if isinstance(cause, InitError):
        return cause
    if isinstance(cause, HandlerError):
        text = cause.message
    elif isinstance(cause, MemoryError):
        text = "MemoryError: raise the function's MemorySize"
    else:
        # The caller sees this: one line, and no folder of the function's file system.
        first_line = (str(cause).splitlines() or [""])[0][:300]
        text = f"{type(cause).__name__}: {_ABSOLUTE_FOLDER.sub('', first_line)}"
    error = ModelLoadError(f"loading the model failed: {text}")
    error.__cause__ = cause
    return error
