"""Errors as MLflow's callers expect them."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE

from packager.errors import ConfigError, ModelError, PackagerError


def wrong_value(message: str) -> MlflowException:
    """Return the error for a value that the user gave."""
    return MlflowException(message, error_code=INVALID_PARAMETER_VALUE)


@contextmanager
def mlflow_errors() -> Iterator[None]:
    """Turn packager's errors into MLflow's, each with its hint.

    :raises MlflowException: INVALID_PARAMETER_VALUE for the user's mistakes.
    """
    try:
        yield
    except click.ClickException as error:
        raise wrong_value(error.format_message()) from None
    except PackagerError as error:
        text = f"{error}. {error.hint}" if error.hint else str(error)
        is_users = isinstance(error, ConfigError | ModelError)
        code = INVALID_PARAMETER_VALUE if is_users else INTERNAL_ERROR
        raise MlflowException(text, error_code=code) from None
