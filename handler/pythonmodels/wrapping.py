"""A `predict` that checks its input against its type hint.

Source: `mlflow/pyfunc/utils/data_validation.py` of MLflow 3.18. The signature that MLflow infers
from a hint was inferred when the model was logged, so only what that may raise is left of it.
MLflow's advice to write hints is not repeated at every cold start.
"""

import functools
import inspect
import sys
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Any, NamedTuple, Optional, TypeVar, Union, get_args, get_origin

from handler.pythonmodels.exceptions import MlflowException
from handler.pythonmodels.hints import extract_type_hints, takes_context
from handler.pythonmodels.validation import (
    SCALARS,
    InvalidTypeHintException,
    check,
    converted,
    effective,
    element_of,
    is_pydantic,
    name_of,
)

TypeFromExample = TypeVar("TypeFromExample")
"""MLflow's hint for a `predict` that takes what the input example was."""

_UNIONS = (Union, UnionType)
# A hint that names one of them has imported its module.
_UNCHECKED = (
    ("pandas", "DataFrame"),
    ("pandas", "Series"),
    ("numpy", "ndarray"),
    ("scipy.sparse", "csc_matrix"),
    ("scipy.sparse", "csr_matrix"),
)


class FuncInfo(NamedTuple):
    """A hint that data is checked against, and the argument that has it."""

    input_type_hint: Any
    input_param_name: str


def pyfunc(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with its input checked: MLflow's decorator."""
    return validated(function, read_hint(function))


def read_hint(function: Callable[..., Any]) -> FuncInfo | None:
    """Return the hint that the function's input is checked against; None: it is not.

    :raises MlflowException: MLflow refuses the hint.
    """
    parameters = inspect.signature(function).parameters
    names = [name for name in parameters if name != "self"]
    index = 1 if takes_context(parameters) else 0
    hint = extract_type_hints(function, index).input
    name = names[index]
    if hint is None or _is_unchecked(hint) or hint == TypeFromExample:
        return None
    try:
        _check_list_hint(hint)
    except InvalidTypeHintException as error:
        raise MlflowException(
            f"{error.message} To disable data validation, remove the type hint from the "
            "predict function. Otherwise, fix the type hint."
        ) from error
    except Exception:
        return None  # MLflow warns, and does not check the input either
    return FuncInfo(hint, name)


def validated(function: Callable[..., Any], info: FuncInfo | None) -> Callable[..., Any]:
    """Return the function with its input checked against the hint, where there is one."""
    parameters = inspect.signature(function).parameters
    index = ("self" in parameters) + takes_context(parameters)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if info is not None:
            try:
                args, kwargs = validate_model_input(args, kwargs, index, *info)
            except MlflowException:
                raise
            except Exception as error:
                raise MlflowException(
                    "Failed to validate the input data against the type hint "
                    f"`{info.input_type_hint}`. Error: {error}"
                ) from error
        return function(*args, **kwargs)

    wrapper._is_pyfunc = True  # type: ignore[attr-defined]
    return wrapper


def validate_model_input(
    args: tuple[Any, ...], kwargs: dict[str, Any], index: int, hint: Any, name: str
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments with the input in them checked and converted.

    Pickled models name it.

    :param index: the place of the input among the positional arguments.
    :param name: its name.
    :raises MlflowException: the input does not fit the hint.
    """
    if name in kwargs:
        kwargs[name] = check(converted(kwargs[name], hint), hint)
    elif len(args) > index:
        data = check(converted(args[index], hint), hint)
        args = (*args[:index], data, *args[index + 1 :])
    return args, kwargs


def _is_unchecked(hint: Any) -> bool:
    found = (getattr(sys.modules.get(module), name, None) for module, name in _UNCHECKED)
    return any(hint == each for each in found if each is not None)


def _check_list_hint(hint: Any) -> None:
    """Raise what MLflow raises when it infers a signature from the hint."""
    if hint is not list and _list_origin(hint) is not list:
        raise MlflowException.invalid_parameter_value("Type hints must be wrapped in list[...]")
    if not _check_hint(element_of(hint)):
        raise InvalidTypeHintException("Input cannot be Optional type.")


def _check_hint(hint: Any) -> bool:
    """Return whether a value is required.

    :raises InvalidTypeHintException: MLflow refuses such a hint.
    :raises MlflowException: MLflow does not check data against such a hint.
    """
    if hint == Any or hint in SCALARS:
        return True
    if is_pydantic(hint):
        _check_fields(hint)
        return True
    origin, args = get_origin(hint), get_args(hint)
    if origin is list:
        _check_hint(element_of(hint))
        return True
    if origin is dict:
        if len(args) != 2 or args[0] is not str:
            raise InvalidTypeHintException(f"Dictionary key type must be str, got {args}")
        _check_hint(args[1])
        return True
    if origin in _UNIONS:
        if NoneType not in args:
            return True
        if len(args) == 2:
            _check_hint(effective(args))
        return False
    raise _unsupported(hint)


def _check_fields(model: Any) -> None:
    for name, field in model.model_fields.items():
        if not _check_hint(field.annotation) and field.is_required():
            raise InvalidTypeHintException(
                f"Optional field `{name}` in Pydantic model `{model.__name__}` "
                "doesn't have a default value. Please set default value to None for this field."
            )
    if not model.model_fields:
        raise MlflowException.invalid_parameter_value("An object without fields is not allowed.")


def _list_origin(hint: Any) -> Any:
    """Return the origin, through an Optional; Any for other unions."""
    origin = get_origin(hint)
    if origin not in _UNIONS:
        return origin
    args = get_args(hint)
    return _list_origin(effective(args)) if NoneType in args and len(args) == 2 else Any


def _unsupported(hint: Any) -> MlflowException:
    if hint in (list, dict, Optional, *_UNIONS):
        return InvalidTypeHintException(
            f"Invalid type hint `{name_of(hint)}`, it must include a valid element type."
        )
    return MlflowException.invalid_parameter_value(f"Unsupported type hint `{name_of(hint)}`.")
