"""Errors as MLflow's callers expect them."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE

from packager.errors import ConfigError, ModelError, PackagerError


class DeploymentError(MlflowException, click.ClickException):  # type: ignore[misc]
    """MLflow's for programs; its command line prints one of click's as a line, not a traceback."""

    def __init__(self, message: str, error_code: int = INTERNAL_ERROR) -> None:
        click.ClickException.__init__(self, message)
        MlflowException.__init__(self, message, error_code=error_code)


def wrong_value(message: str) -> DeploymentError:
    """Return the error for a value that the user gave."""
    return DeploymentError(message, INVALID_PARAMETER_VALUE)


@contextmanager
def mlflow_errors() -> Iterator[None]:
    """Turn packager's errors into MLflow's, each with its hint.

    :raises DeploymentError: INVALID_PARAMETER_VALUE for the user's mistakes.
    """
    try:
        yield
    except DeploymentError:
        raise
    except PackagerError as error:
        text = f"{error}. {error.hint}" if error.hint else str(error)
        is_users = isinstance(error, ConfigError | ModelError)
        code = INVALID_PARAMETER_VALUE if is_users else INTERNAL_ERROR
        raise DeploymentError(text, code) from None
