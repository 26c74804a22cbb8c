"""The scoring routes themselves, without a web framework.

`asgi.py` calls them for the requests that matter at a cold start; `fastapi_app.py` makes the
same functions a FastAPI app's routes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from handler.errors import HandlerError, ModelUnavailable, PredictionError, RequestTimeout
from handler.host.model import ModelHost
from handler.telemetry import Invocation, Telemetry, trace

MLFLOW_PROTOCOL_VERSION = "3.18.0"
"""The MLflow whose scoring protocol is spoken; the answer of `/version`."""

JSON = "application/json"
CLIENT_GONE = 499
"""nginx's status for it; nobody is there to read the answer."""

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Call:
    """What an endpoint gets of a request."""

    invocation: Invocation
    telemetry: Telemetry
    is_alone: bool
    """Whether this process has no other request meanwhile, as on Lambda."""
    content_type: str | None = None
    body: bytes = b""

    @classmethod
    def of(cls, scope: Mapping[str, Any], body: bytes) -> "Call":
        """Return what a request's ASGI scope says, and what `AsgiApp` added to it."""
        found = (value for name, value in scope["headers"] if name == b"content-type")
        content_type = next(found, None)
        return cls(
            invocation=scope["invocation"],
            telemetry=scope["telemetry"],
            is_alone="aws.event" in scope,
            content_type=None if content_type is None else content_type.decode("latin-1"),
            body=body,
        )


@dataclass(frozen=True)
class Reply:
    """What an endpoint answers; the content type is always JSON's."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    """Besides content length and type."""


Endpoint = Callable[[Call], Awaitable[Reply]]
"""What answers the requests of a route."""


class Endpoints:
    """The functions behind the routes; each answers every error itself, in MLflow's shape.

    :param timeout_s: for one request; None: no end but Lambda's own.
    """

    def __init__(self, host: ModelHost, timeout_s: float | None) -> None:
        self._host = host
        self._timeout_s = timeout_s

    def routes(self) -> dict[tuple[str, str], Endpoint]:
        """Return them by method and path."""
        functions: dict[tuple[str, str], Endpoint] = {
            ("POST", "/invocations"): self.invocations,
            ("GET", "/ping"): self.ping,
            ("GET", "/health"): self.ping,
            ("GET", "/version"): self.version,
        }
        # The slash is answered as it is: MLflow redirects, and clients drop the body on the way.
        slashed = {(method, f"{path}/"): function for (method, path), function in functions.items()}
        # MLflow answers 405, but many a health checker sends HEAD.
        heads = {("HEAD", "/ping"): self.ping, ("HEAD", "/health"): self.ping}
        return functions | slashed | heads

    async def invocations(self, call: Call) -> Reply:
        """Score rows. The formats are those of MLflow's scoring server."""
        return await self._answer(call, lambda: self._score(call))

    async def ping(self, call: Call) -> Reply:
        """Tell whether the model is loaded."""
        return await self._answer(call, self._ping)

    async def version(self, call: Call) -> Reply:
        """Return the version of MLflow whose scoring protocol is spoken."""
        return Reply(MLFLOW_PROTOCOL_VERSION.encode())

    def _score(self, call: Call) -> Reply:
        scorer = self._host.scorer()
        with call.telemetry.scoring(call.invocation):
            result = scorer.score(call.body, call.content_type)
        call.invocation.rows = result.rows
        return Reply(result.body)

    def _ping(self) -> Reply:
        self._host.scorer()
        return Reply(b"\n")

    async def _answer(self, call: Call, work: Callable[[], Reply]) -> Reply:
        try:
            return await self._run(call, work)
        except Exception as error:
            return error_reply(call.invocation, as_internal(error))

    async def _run(self, call: Call, work: Callable[[], _Result]) -> _Result:
        if self._timeout_s is not None:
            try:
                # As in MLflow the thread is not stopped, it only is not waited for.
                return await asyncio.wait_for(asyncio.to_thread(work), self._timeout_s)
            except TimeoutError as error:
                raise RequestTimeout("Request processing time exceeded limit") from error
        if call.is_alone:
            return work()  # a thread would only cost
        return await asyncio.to_thread(work)


def as_internal(error: Exception) -> HandlerError:
    """Return the error itself if it is one for the caller, else one that hides it."""
    if isinstance(error, HandlerError):
        return error
    hidden = HandlerError("Internal error; the cause is in the function's log.")
    hidden.__cause__ = error
    return hidden


def error_reply(invocation: Invocation, error: HandlerError) -> Reply:
    """Return the reply for an error, which the invocation's line then names."""
    invocation.error_code = error.error_code
    if isinstance(error, PredictionError) or error.status == HandlerError.status:
        invocation.error = trace(error)
    headers = {}
    if isinstance(error, ModelUnavailable):
        headers["retry-after"] = str(error.retry_after_s)
    return Reply(error.to_json(), error.status, headers)
