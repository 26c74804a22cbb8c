"""What a library does with data that no signature was enforced on, before it computes.

MLflow hands such data on as it came, and the library takes or refuses it. Which exception it
raises for what form of data was asked when a model that was logged without a signature was
compiled, and is in the program's header::

    "unsigned": {"names": [NAME, ...] or null, "needed": [NAME, ...] or null, "width": number,
                 "texts": [position of a column of text, ...],
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
    *("narrow frame", "wide frame", "number for text", "boolean for text"),
)
"""What is told apart."""
INFINITE = "infinity"
"""Beside them: what is raised for a number that the model does not take."""


class Unsigned:
    """A program's steps behind what its library does first; a `Compute`.

    :param options: the header's `unsigned`.
    :param columns: those of the dict that the program takes; None: it takes an array.
    """

    def __init__(
        self, compute: Compute, options: dict[str, Any], columns: list[str] | None
    ) -> None:
        self._compute = compute
        self._options = options
        self._columns = columns
        self._refusals: dict[str, str | None] = options["refusals"]
        self._texts = [columns[at] for at in options["texts"]] if columns else []
        self._of_values = _exception(self._refusals[INFINITE] or "ValueError")

    def __call__(self, data: Any) -> Any:
        """Return the predictions.

        :raises Exception: one of the library's type: it refuses such data too.
        """
        if isinstance(data, RegularData):
            data = data.of
            self._refuse([form for name in self._texts for form in _as_text(data[name].dtype)])
        else:
            self._refuse(forms_of(data, self._options))
            data = self._taken(data)
        try:
            return self._compute(data)
        except ValueError as error:
            raise self._of_values(str(error)) from error

    def _refuse(self, forms: list[str]) -> None:
        for form in forms:
            refusal = self._refusals[form]
            if refusal is not None:
                raise _exception(refusal)(f"the model's library takes no {form}")

    def _taken(self, data: Any) -> Any:
        """Return what the program's first step takes."""
        needed = self._options["needed"]
        if needed is not None and is_frame(data):
            return {name: data[name].to_numpy() for name in needed}
        if self._columns is None:
            return _padded(data.to_numpy() if is_frame(data) else data, self._options["width"])
        if is_frame(data):
            return {name: data.iloc[:, at].to_numpy() for at, name in enumerate(self._columns)}
        return {name: data[:, at] for at, name in enumerate(self._columns)}


def forms_of(data: Any, options: dict[str, Any]) -> list[str]:
    """Return in which ways data is not simply a table of what the model's columns hold.

    :param options: the header's `unsigned`.
    :return: names of `FORMS`; several where it is so in several ways.
    """
    if isinstance(data, dict):
        return ["dict"]
    if is_frame(data):
        return _forms_of_frame(data, options)
    if not isinstance(data, np.ndarray):
        return ["list" if data else "empty list"]
    width = options["width"]
    if data.ndim > _TABLE:
        return ["array of rank 3 as wide" if data.shape[1] == width else "array of rank 3"]
    if data.ndim < _TABLE:
        return [f"array of rank {data.ndim}"]
    forms = {"U": ["array of text"], "O": ["array of objects"]}.get(data.dtype.kind, [])
    forms += ["array without names"] if options["names"] is not None else []
    forms += _as_text(data.dtype) if options["texts"] else []
    return forms + _width(data.shape[1], width, "array")


def _forms_of_frame(frame: Any, options: dict[str, Any]) -> list[str]:
    names, needed, texts = options["names"], options["needed"], options["texts"]
    given = list(frame.columns)
    if not given:
        return ["frame without columns"]
    forms = []
    if any(dtype.kind not in "biuf" for dtype in frame.dtypes):
        forms.append("frame of objects")
    forms += _forms_of_names(given, names, needed)
    if not len(frame):
        forms.append("empty frame")
    forms += _width(len(given), options["width"], "frame") if needed is None else []
    if not forms or forms == ["frame of objects"]:
        for at in texts:
            column = frame[names[at]] if needed is not None else frame.iloc[:, at]
            forms += _as_text(column.dtype)
    return forms


def _forms_of_names(
    given: list[Any], names: list[str] | None, needed: list[str] | None
) -> list[str]:
    kinds = set(map(type, given))
    if str in kinds and len(kinds) > 1:
        return ["frame of mixed names"]
    if len(set(given)) < len(given):
        return ["frame of one name"]
    if names is None:
        return []
    if kinds != {str}:
        return ["frame without names"]
    is_same = given == names if needed is None else set(needed) <= set(given)
    return [] if is_same else ["frame of other names"]


def _as_text(dtype: Any) -> list[str]:
    return {"b": ["boolean for text"]}.get(
        dtype.kind, ["number for text"] if dtype.kind in "iuf" else []
    )


def _width(given: int, wanted: int, what: str) -> list[str]:
    if given == wanted:
        return []
    return [f"narrow {what}" if given < wanted else f"wide {what}"]


def _padded(table: np.ndarray, width: int) -> np.ndarray:
    """Return a table whose missing columns are NaN: a library that takes fewer reads them so.

    :raises ValueError: it is of text that is no numbers.
    """
    if table.dtype.kind in "UO":
        table = table.astype(np.float64)
    if table.ndim != _TABLE or table.shape[1] >= width:
        return table
    missing = np.full((len(table), width - table.shape[1]), np.nan)
    return np.hstack([table, missing])


def _exception(name: str) -> type[Exception]:
    known = getattr(builtins, name, None)
    if isinstance(known, type) and issubclass(known, Exception):
        return known
    return type(name, (Exception,), {})
