"""Enforcing the params schema: MLflow's `_enforce_params_schema` and `ParamSpec`."""

import copy
import datetime
from collections.abc import Sequence
from typing import Any

from handler.errors import HandlerError, InvalidParams, MalformedRequest
from handler.signature.schema import (
    BOOLEAN,
    DATETIME,
    DOUBLE,
    FLOAT,
    INTEGER,
    LONG,
    STRING,
    Param,
    Scalar,
)
from handler.signature.values import MismatchError, enforce_value
from handler.wording import json_type

_PYTHON_TYPES: dict[Scalar, type] = {
    BOOLEAN: bool,
    INTEGER: int,
    LONG: int,
    FLOAT: float,
    DOUBLE: float,
    STRING: str,
}


class ParamsSchema:
    """A model's params, compiled: the defaults are converted once.

    :param params: the entries; None when the model was logged without a params schema.
    """

    def __init__(self, params: Sequence[Param] | None) -> None:
        self._has_schema = params is not None
        self._params = {param.name: param for param in params or ()}
        self._defaults = {param.name: _enforced(param, param.default) for param in params or ()}

    @property
    def names(self) -> frozenset[str]:
        """The params that the model takes."""
        return frozenset(self._params)

    def enforce(self, given: Any) -> dict[str, Any] | None:
        """Return every param of the schema: the request's value, else the default.

        Unknown ones are dropped. Without a schema nothing reaches the model; as in MLflow
        the model can tell a request that sent params ({}) from one that did not (None).

        :raises InvalidParams: `params` is no object, or values do not fit: all are named.
        :raises MalformedRequest: a list holds lists of different lengths.
        """
        if not self._has_schema:
            return None if given is None else {}
        if given is not None and not isinstance(given, dict):
            raise InvalidParams(f"params must be an object, not {json_type(given)}.")
        known = {name: value for name, value in (given or {}).items() if name in self._params}
        enforced: dict[str, Any] = {}
        issues: list[str] = []
        for name, value in known.items():
            try:
                enforced[name] = _enforced(self._params[name], value)
            except MismatchError as error:
                issues.append(f"{name!r}: {error}")
            except HandlerError:
                raise
            except Exception:
                # numpy and pandas raise whatever they like for a bad value, and quote it.
                issues.append(f"{name!r}: its value cannot be converted")
        if issues:
            raise InvalidParams(f"params do not fit the model: {'; '.join(issues)}.")
        # A model may change what it is handed; the defaults must outlive the request.
        missing = {name: v for name, v in self._defaults.items() if name not in enforced}
        return enforced | copy.deepcopy(missing)


def _enforced(param: Param, value: Any) -> Any:
    if not isinstance(param.type, Scalar):
        # Only checked: models get the value with the types that JSON gave it.
        enforce_value(copy.deepcopy(value), param.type)
        return value
    if not param.is_list:
        return _scalar(param.type, value)
    if not isinstance(value, list):
        raise MismatchError(f"a list of {param.type} was expected, not {json_type(value)}")
    if any(isinstance(item, list) for item in value):
        _check_ragged(param, value)
        raise MismatchError(f"a flat list of {param.type} was expected")
    return [_scalar(param.type, item) for item in value]


def _check_ragged(param: Param, value: list[Any]) -> None:
    # Imported here: only a wrong request comes here.
    import numpy as np

    try:
        np.array(value)
    except ValueError as error:
        # MLflow reads the list as an array first, and calls that failure a bad request.
        raise MalformedRequest(
            f"params: {param.name!r} must be a flat list, not lists of different lengths."
        ) from error


def _scalar(scalar: Scalar, value: Any) -> Any:
    if value is None:
        return None
    if scalar is DATETIME:
        return _datetime(value)
    wanted = _PYTHON_TYPES[scalar]
    # Exact types: a JSON boolean is an int to Python, and not to MLflow.
    if type(value) is wanted:
        return value
    if wanted is float and type(value) is int:
        return float(value)
    raise MismatchError(f"{scalar} was expected, not {json_type(value)}")


def _datetime(value: Any) -> datetime.date:
    # Imported here: models without datetime params do not need it.
    import numpy as np

    try:
        moment = np.datetime64(value).item()
    except (TypeError, ValueError) as error:
        raise MismatchError("it is no ISO 8601 datetime") from error
    if not isinstance(moment, datetime.date):
        raise MismatchError("it is no ISO 8601 datetime")
    return moment
