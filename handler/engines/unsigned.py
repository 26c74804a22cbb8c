"""What a library does with data that no signature was enforced on, before it computes.

MLflow hands such data on as it came, and the library takes or refuses it. Which exception it
raises for what form of data was asked when a model that was logged without a signature was
compiled, and is in the program's header::

    "unsigned": {"names": [NAME, ...] or null, "needed": [NAME, ...] or null, "width": number,
                 "refusals": {FORM: name of an exception, or null where it is taken}}

`names` are those that the model was fitted with. With `needed` it selects these columns by name:
there may be others, in any order. Callers are told only the type of what is raised here.
"""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

import builtins
from typing import Any

import numpy as np

from handler.engines.program import Compute
from handler.predictor import RegularData, is_frame

_TABLE = 2
"""The rank of an array of single values in columns."""

FORMS = (
    *("dict", "list", "empty list", "array of rank 0", "array of rank 1", "array of rank 3"),
    *("array of rank 3 as wide", "array without names", "array of text", "array of objects"),
    *("narrow array", "wide array", "empty frame", "frame without columns", "frame of objects"),
    *("frame of mixed names", "frame of one name", "frame without names", "frame of other names"),
    *("narrow frame", "wide frame"),
)
"""What is told apart."""
INFINITE = "infinity"
"""Beside them: what is raised for a number that the model does not take."""


def compute_for(compute: Compute, options: dict[str, Any], columns: list[str] | None) -> Compute:
    """Return a program's steps behind what its library does first.

    :param options: the header's `unsigned`.
    :param columns: those of the dict that the program takes; None: it takes an array.
    """
    refusals, width = options["refusals"], int(options["width"])
    names, needed = options["names"], options["needed"]

    of_values = _exception(refusals[INFINITE] or "ValueError")

    def prepare(data: Any) -> Any:
        for form in forms_of(data, names, needed, width):
            if refusals[form] is not None:
                raise _exception(refusals[form])(f"the model's library takes no {form}")
        if needed is not None and is_frame(data):
            return {name: data[name].to_numpy() for name in needed}
        if columns is None:
            return _padded(data.to_numpy() if is_frame(data) else data, width)
        if is_frame(data):
            return {name: data.iloc[:, at].to_numpy() for at, name in enumerate(columns)}
        return {name: data[:, at] for at, name in enumerate(columns)}

    def predict(data: Any) -> Any:
        prepared = data.of if isinstance(data, RegularData) else prepare(data)
        try:
            return compute(prepared)
        except ValueError as error:
            raise of_values(str(error)) from error

    return predict


def forms_of(
    data: Any, names: list[str] | None, needed: list[str] | None, width: int
) -> list[str]:
    """Return in which ways data is not simply a table of numbers with the model's columns.

    :param names: those of the model's columns; None: they have none.
    :param needed: those that it selects by name; None: it takes all, by position.
    :param width: how many columns it takes.
    :return: names of `FORMS`; several where it is so in several ways.
    """
    if isinstance(data, dict):
        return ["dict"]
    if is_frame(data):
        return _forms_of_frame(data, names, needed, width)
    if not isinstance(data, np.ndarray):
        return ["list" if data else "empty list"]
    if data.ndim > _TABLE:
        return ["array of rank 3 as wide" if data.shape[1] == width else "array of rank 3"]
    if data.ndim < _TABLE:
        return [f"array of rank {data.ndim}"]
    forms = {"U": ["array of text"], "O": ["array of objects"]}.get(data.dtype.kind, [])
    forms += ["array without names"] if names is not None else []
    return forms + _width(data.shape[1], width, "array")


def _forms_of_frame(
    frame: Any, names: list[str] | None, needed: list[str] | None, width: int
) -> list[str]:
    given = list(frame.columns)
    if not given:
        return ["frame without columns"]
    kinds = set(map(type, given))
    forms = []
    if any(dtype.kind not in "biuf" for dtype in frame.dtypes):
        forms.append("frame of objects")
    if str in kinds and len(kinds) > 1:
        forms.append("frame of mixed names")
    elif len(set(given)) < len(given):
        forms.append("frame of one name")
    elif kinds != {str}:
        forms += ["frame without names"] if names is not None else []
    elif needed is not None:
        forms += [] if set(needed) <= set(given) else ["frame of other names"]
    elif names is not None and given != names:
        forms.append("frame of other names")
    if not len(frame):
        forms.append("empty frame")
    return forms + (_width(len(given), width, "frame") if needed is None else [])


def _width(given: int, wanted: int, what: str) -> list[str]:
    if given == wanted:
        return []
    return [f"narrow {what}" if given < wanted else f"wide {what}"]


def _padded(table: np.ndarray, width: int) -> np.ndarray:
    """Return a table whose missing columns are NaN: a library that takes fewer reads them so."""
    if table.ndim != _TABLE or table.shape[1] >= width:
        return table
    missing = np.full((len(table), width - table.shape[1]), np.nan)
    return np.hstack([table, missing])


def _exception(name: str) -> type[Exception]:
    known = getattr(builtins, name, None)
    if isinstance(known, type) and issubclass(known, Exception):
        return known
    return type(name, (Exception,), {})
