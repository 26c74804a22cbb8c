"""The handler's errors, each with the HTTP status and the MLflow error shape it becomes.

::

    HandlerError
      at init, kept and answered with 503 until a later invocation succeeds:
        ConfigError  ModelFetchError  StillFetching  ModelIntegrityError  ModelLoadError
      per request:
        MalformedRequest 400  SignatureMismatch 400  InvalidParams 400  TypeHintMismatch 400
        UnsupportedMediaType 415  PredictionError 400  ModelRefusal (the model's own status)
        UnserializablePrediction 500  LacksModule 500  ModelProcessDied 500  ModelUnavailable 503
        RequestTimeout 504
      before there is a request: MalformedEvent 400

Every message is safe for the caller: it never holds a traceback, the payload or a secret.
"""

import json
from collections.abc import Mapping
from typing import Self


class HandlerError(Exception):
    """All errors raised by this package's code.

    :param message: safe for the caller.
    """

    status = 500
    error_code = "INTERNAL_ERROR"
    sqlstate = "XXM00"
    error_class = "CLIENT_INTERNAL_ERROR"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def to_json(self) -> bytes:
        """Return the body in MLflow's error shape (MLflow 3.18, `exceptions.py`)."""
        return json.dumps(self._fields()).encode()

    def _fields(self) -> dict[str, str]:
        return {
            "error_code": self.error_code,
            "message": self.message,
            "sqlstate": self.sqlstate,
            "error_class": self.error_class,
        }


class InitError(HandlerError):
    """The model could not be made ready; `ModelUnavailable` tells the caller."""

    @property
    def public_message(self) -> str:
        """What callers of the API are told; the log has the whole message."""
        return self.message


class ConfigError(InitError):
    """The environment or `bundle.json` is wrong: a deployment mistake."""


class ModelFetchError(InitError):
    """The model archive could not be read from S3."""

    @property
    def public_message(self) -> str:
        """Name neither bucket nor key: they are nobody's but the owner's."""
        return "the model could not be fetched from S3; the function's log says why"


class StillFetching(InitError):
    """The init ends before the model is there; the first invocation waits for the rest."""


class ModelIntegrityError(InitError):
    """A model file differs from the digest in the manifest; it was not loaded."""


class ModelLoadError(InitError):
    """The model's bytes are right but the library could not load them."""

    @classmethod
    def without_module(cls, what: str, module: str | None) -> Self:
        """Return the error of a model whose code imports what is not there."""
        return cls(
            f"{what} needs the module {module!r}, which is not in the bundle:"
            " add the package that has it to the model's requirements and build again"
        )


class ModelUnavailable(HandlerError):
    """The model is not loaded (yet); a later invocation tries again.

    :param retry_after_s: when trying again makes sense; becomes the `Retry-After` header.
    """

    status = 503
    error_code = "TEMPORARILY_UNAVAILABLE"

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RequestTimeout(HandlerError):
    """The prediction took longer than MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT."""

    status = 504
    error_code = "DEADLINE_EXCEEDED"


class _BadRequest(HandlerError):
    """Answered with what MLflow says of most requests that fail."""

    status = 400
    error_code = "BAD_REQUEST"
    sqlstate = "KAM00"
    error_class = "INVALID_PARAMETER_VALUE"


class MalformedEvent(_BadRequest):
    """Lambda was invoked with something that is no HTTP event, or a broken one."""


class MalformedRequest(_BadRequest):
    """The body cannot be read as a scoring request."""


class SignatureMismatch(HandlerError):
    """The data does not fit the model's signature."""

    status = 400
    error_code = "INVALID_PARAMETER_VALUE"
    sqlstate = "KAM01"
    error_class = "SCHEMA_ENFORCEMENT_FAILED"


class InvalidParams(SignatureMismatch):
    """The request's `params` do not fit the model's params schema."""

    sqlstate = "KAM00"
    error_class = "INVALID_PARAMETER_VALUE"


class TypeHintMismatch(SignatureMismatch):
    """The data does not fit the type hint of a Python model's `predict`."""

    sqlstate = "KAM00"
    error_class = "INVALID_PARAMETER_VALUE"


class UnsupportedMediaType(_BadRequest):
    """The content type, its charset or one of its parameters is not taken."""

    status = 415


class PredictionError(_BadRequest):
    """The model raised. MLflow answers 400 with a stack trace; we keep the trace in the log."""

    @classmethod
    def raised(cls, type_name: str) -> Self:
        """Return the error of a model that raised: its text may quote data or paths."""
        return cls(f"The model raised {type_name} for this data. The function's log says where.")


class ModelRefusal(PredictionError):
    """The model answered with an error of its own: it raised an `MlflowException`.

    :param message: the model's words: MLflow says that callers may read them.
    :param status: HTTP status.
    :param error_code: one of MLflow's names, as `RESOURCE_DOES_NOT_EXIST`.
    :param extra: further keys of the body.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 500,
        error_code: str = HandlerError.error_code,
        sqlstate: str = HandlerError.sqlstate,
        error_class: str = HandlerError.error_class,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.sqlstate = sqlstate
        self.error_class = error_class
        self.extra = dict(extra or {})

    @classmethod
    def invalid_parameter(cls, message: str) -> Self:
        """Return what `MlflowException.invalid_parameter_value` becomes: the caller's fault."""
        return cls(
            message,
            status=400,
            error_code="INVALID_PARAMETER_VALUE",
            sqlstate="KAM00",
            error_class="INVALID_PARAMETER_VALUE",
        )

    def to_json(self) -> bytes:
        """Return the body in MLflow's error shape, with the model's further keys."""
        return json.dumps(self._fields() | self.extra, default=str).encode()


class LacksModule(HandlerError):
    """The model imported what the function does not have: no request can be answered.

    MLflow answers 400, as for whatever a model raises.

    :param module: its name; None: the error does not say.
    """

    def __init__(self, module: str | None) -> None:
        what = f"the module {module!r}" if module else "a module"
        super().__init__(
            f"The model needs {what}, which the function cannot import."
            " The function's log says where."
        )


class UnserializablePrediction(HandlerError):
    """The model answered with something that JSON has no form for: the model's fault.

    MLflow answers 500 in plain text; ours has the error shape.

    :param reason: what the prediction holds.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"The model's prediction cannot be written as JSON: {reason}.")


class ModelProcessDied(HandlerError):
    """The process that runs the model in its own Python ended while it predicted."""
