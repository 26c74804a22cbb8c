"""A model's input, checked against a type hint.

Source: `mlflow/types/type_hints.py` of MLflow 3.18, with its words, as it works behind MLflow's
scoring server.
"""

import base64
import sys
from datetime import datetime
from types import NoneType
from typing import Any, get_args, get_origin

from handler.predictor import is_frame
from handler.pythonmodels.exceptions import MlflowException

SCALARS = (int, str, bool, float, bytes, datetime)
"""The hints that MLflow has a type for."""


class InvalidTypeHintException(MlflowException):
    """A hint that MLflow refuses."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 1000)


def element_of(hint: Any) -> Any:
    """Return the hint of a list's elements.

    :raises MlflowException: the list is optional, or says nothing of them.
    """
    args = get_args(hint)
    if NoneType in args:
        raise MlflowException.invalid_parameter_value("Input cannot be Optional type.")
    if len(args) != 1:
        raise InvalidTypeHintException(
            f"Type hint `{name_of(hint)}` doesn't contain a single element type."
        )
    return args[0]


def effective(args: tuple[Any, ...]) -> Any:
    """Return what an Optional with these arguments is of."""
    return next(arg for arg in args if arg is not NoneType)


def is_pydantic(hint: Any) -> bool:
    """Tell whether the hint is a class of pydantic models."""
    # A class of pydantic's has imported it: without it there are none.
    pydantic = sys.modules.get("pydantic")
    try:
        return pydantic is not None and issubclass(hint, pydantic.BaseModel)
    except TypeError:
        return False


def name_of(hint: Any) -> str:
    """Return the hint as MLflow's messages name it."""
    return hint.__name__ if is_pydantic(hint) or type(hint) is type else str(hint)


def converted(data: Any, hint: Any) -> Any:
    """Return what a DataFrame holds as a list; any other data as it is."""
    if not is_frame(data):
        return data
    element = element_of(hint)
    if (element is dict or is_pydantic(element)) and list(data.columns) != [0]:
        return _plain(data.to_dict(orient="records"))
    return _plain(data.iloc[:, 0].tolist())


def _plain(data: Any) -> Any:
    """Return the data with lists in place of arrays and None in place of NaN."""
    numpy = sys.modules["numpy"]  # there is a DataFrame
    if isinstance(data, numpy.ndarray):
        data = data.tolist()
    if isinstance(data, list):
        return [_plain(item) for item in data]
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    return None if isinstance(data, float) and data != data else data


def check(data: Any, hint: Any) -> Any:
    """Return the data as the hint wants it.

    :raises MlflowException: it does not fit.
    """
    if is_pydantic(hint):
        return _check_model(data, hint)
    if hint == Any:
        return data
    if hint in SCALARS:
        data = _parsed(data, hint)
        if isinstance(data, hint):
            return data
        raise _refusal(f"Expected type {name_of(hint)}, but got {type(data).__name__}")
    origin, args = get_origin(hint), get_args(hint)
    if origin is list:
        return _check_list(data, args[0])
    if origin is dict:
        return _check_dict(data, args[1])
    # An Optional; of what other unions take MLflow checks nothing.
    if NoneType in args and data is not None and len(args) == 2:
        return check(data, effective(args))
    return data


def _check_model(data: Any, hint: Any) -> Any:
    import pydantic

    if not isinstance(data, (pydantic.BaseModel, dict)):
        raise _refusal(
            "Expecting example to be a dictionary or pydantic model instance for "
            f"Pydantic type hint, got {type(data)}"
        )
    values = data if isinstance(data, dict) else data.model_dump()
    try:
        # Strictly: "123" is no int.
        hint.model_validate(values, strict=True)
    except pydantic.ValidationError as error:
        raise _refusal(
            f"Data doesn't match type hint, error: {error}. Expected fields in the "
            f"type hint: {hint.model_fields}; passed data: {values}. Check "
            "https://mlflow.org/docs/latest/model/python_model.html"
            "#pydantic-model-type-hints-data-conversion for more details."
        ) from error
    return hint(**values) if isinstance(data, dict) else data


def _parsed(data: Any, hint: Any) -> Any:
    """Return what JSON can only write as text."""
    if hint is bytes and isinstance(data, str):
        return base64.decodebytes(data.encode())
    if hint is datetime and isinstance(data, str):
        return datetime.fromisoformat(data)
    return data


def _check_list(data: Any, element: Any) -> list[Any]:
    if not isinstance(data, list):
        raise _refusal(f"Expected list, but got {type(data).__name__}")
    result, wrong = [], []
    for item in data:
        try:
            result.append(check(item, element))
        except MlflowException as error:
            wrong.append((str(item), error.message))
    if wrong:
        shown = f"{wrong[:5]} ... (truncated)" if len(wrong) > 5 else wrong
        raise _refusal(
            f"Failed to validate data against type hint `list[{name_of(element)}]`, "
            f"invalid elements: {shown}"
        )
    return result


def _check_dict(data: Any, element: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise _refusal(f"Expected dict, but got {type(data).__name__}")
    result, wrong = {}, {}
    for key, value in data.items():
        if not isinstance(key, str):
            wrong[str(key)] = f"Key must be a string, got {type(key).__name__}"
            continue
        try:
            result[key] = check(value, element)
        except MlflowException as error:
            wrong[key] = error.message
    if wrong:
        raise _refusal(
            f"Failed to validate data against type hint `dict[str, {name_of(element)}]`, "
            f"invalid elements: {wrong}"
        )
    return result


def _refusal(message: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(message)
