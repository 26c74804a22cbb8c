"""Words for values that a caller sent, as messages have them."""

import numbers
from collections.abc import Collection

_NAMES_SHOWN = 10
_NAME_LENGTH = 60


def json_type(value: object) -> str:
    """Return what JSON calls a value, with its article: decoded, or already in numpy's types."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case numbers.Integral():
            return "an integer"
        case numbers.Real():
            return "a float"
        case str():
            return "a string"
        case list():
            return "a list"
        case dict():
            return "an object"
    return "an array" if hasattr(value, "shape") else f"a {type(value).__name__}"


def shown_names(names: Collection[object]) -> str:
    """Return a list of names for a message: bounded, since the caller chose them."""
    shown = ", ".join(shown_name(str(name)) for name in list(names)[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def shown_name(name: str) -> str:
    """Return one name for a message: quoted and bounded."""
    return repr(name if len(name) <= _NAME_LENGTH else name[:_NAME_LENGTH] + "...")
