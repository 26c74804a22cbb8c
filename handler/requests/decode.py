"""JSON to Python's values: what `json.loads` makes of a body, in a fifth of the time.

MLflow reads requests with `json.loads`. orjson reads what RFC 8259 allows to the same values,
to the last bit of a float, but for integers of more than 64 bits, which it rounds to a float.
What Python reads beyond the RFC (NaN, UTF-16, lone surrogates, 1e999, ...) it refuses, and
`json.loads` gets it.
"""

import json
from typing import Any

import orjson

from handler.errors import MalformedRequest

_LONG = 19
"""So many digits or more may make an integer of more than 64 bits."""

# Each doubles the length of the runs that are found, up to _LONG.
_SHIFTS = (1, 2, 4, 8, _LONG - 16)


def decode_json(body: bytes) -> Any:
    """Return the document, exactly as `json.loads` would.

    :raises MalformedRequest: the body is no JSON.
    """
    # Only an object can be a request; anything else is left to the words of `json`.
    if body.startswith(b"{") and not _has_long_integer(body):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    return _decode_slowly(body)


def _has_long_integer(body: bytes) -> bool:
    """Tell whether a number may be too large for 64 bits.

    The digits of a fraction do not count, for a float has many of them. Those in a text do.

    :param body: begins with no digit.
    """
    # Imported here: an init that fails before the model is there needs no numpy.
    import numpy as np

    characters = np.frombuffer(body, np.uint8)
    is_digit = characters - ord("0") < 10  # what lies below "0" wraps around
    run = is_digit
    for shift in _SHIFTS:
        run = run[:-shift] & run[shift:]
    starts = np.flatnonzero(run)
    if not len(starts):
        return False
    is_first = ~is_digit[starts - 1]
    return bool((is_first & (characters[starts - 1] != ord("."))).any())


def _decode_slowly(body: bytes) -> Any:
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        where = f"{error.msg} at line {error.lineno} column {error.colno}"
        raise MalformedRequest(f"The body is not JSON: {where}.") from error
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"The body is not UTF-8: see byte {error.start}.") from error
    except RecursionError as error:
        raise MalformedRequest("The body is nested too deeply.") from error
    except ValueError as error:
        # Python refuses to read integers of more than 4,300 digits.
        raise MalformedRequest("The body holds a number with too many digits.") from error
