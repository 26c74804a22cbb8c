"""What a model raised, as the error that the caller gets."""

import sys

from handler.errors import HandlerError, LacksModule, ModelRefusal, PredictionError


def as_handler_error(error: Exception) -> HandlerError:
    """Return the error to raise for one that came out of the model.

    An `MlflowException` is how a Python model refuses a request: status, code and further
    keys are those it chose. What cannot be imported is no fault of the request. Anything else
    may quote data or paths: the caller only learns its type.
    """
    # A module that nobody has imported cannot have made the error.
    mlflow = sys.modules.get("mlflow.exceptions")
    if mlflow is not None and isinstance(error, mlflow.MlflowException):
        return ModelRefusal(
            error.message,
            status=error.get_http_status_code(),
            error_code=error.error_code,
            # MLflow before 3.17 has neither of the two.
            sqlstate=getattr(error, "sqlstate", None) or HandlerError.sqlstate,
            error_class=getattr(error, "error_class", None) or HandlerError.error_class,
            extra=error.json_kwargs,
        )
    if isinstance(error, ImportError):
        return LacksModule(error.name)
    return PredictionError.raised(type(error).__name__)
