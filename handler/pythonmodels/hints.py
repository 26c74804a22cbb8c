"""What a model's `predict` says of its arguments.

Source: `_extract_type_hints` and its neighbours in `mlflow/models/signature.py` (MLflow 3.18).
"""

import inspect
import logging
import re
import typing
from collections.abc import Callable, Collection
from typing import Any

from handler.pythonmodels.exceptions import MlflowException

_logger = logging.getLogger(__name__)

# As text, where a hint cannot be evaluated: `t\w*\.` is the typing module or its alias.
_STRINGS = re.compile(r"^(t\w*\.)?list\[str\]$", re.IGNORECASE)
_DICTS = re.compile(r"^(t\w*\.)?list\[(t\w*\.)?dict\[str,str\]\]$", re.IGNORECASE)


class TypeHints:
    """The hints of `predict`: of its input and of what it returns; None: there is none."""

    def __init__(self, input_: Any = None, output: Any = None) -> None:
        self.input = input_
        self.output = output


def extract_type_hints(function: Callable[..., Any], input_index: int) -> TypeHints:
    """Return the hints of the argument at this place, `self` not counted, and of the result.

    :raises MlflowException: there is no such argument.
    """
    if not hasattr(function, "__annotations__") and hasattr(function, "__call__"):  # noqa: B004
        return extract_type_hints(function.__call__, input_index)
    if function.__annotations__ == {}:
        return TypeHints()
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    if len(names) - 1 < input_index:
        raise MlflowException.invalid_parameter_value(
            f"The specified input argument index ({input_index}) is out of range for the"
            f" function signature: {input_index}"
        )
    name = names[input_index]
    try:
        hints = typing.get_type_hints(function)
    except (TypeError, NameError):
        texts = {key: function.__annotations__.get(key) for key in (name, "return")}
        hints = {key: _hint_from_text(text) for key, text in texts.items() if text}
    except Exception as error:
        _logger.warning("the type hints of %s cannot be read: %r", function, error)
        return TypeHints()
    return TypeHints(hints.get(name), hints.get("return"))


def takes_context(parameters: Collection[str]) -> bool:
    """Tell whether `predict` wants the context in front of the input.

    :param parameters: its parameters' names.
    """
    others = [name for name in parameters if name not in ("self", "params")]
    return "context" in parameters or len(others) == 2


def _hint_from_text(text: str) -> Any:
    plain = text.replace(" ", "")
    if _STRINGS.match(plain):
        return list[str]
    return list[dict[str, str]] if _DICTS.match(plain) else None
