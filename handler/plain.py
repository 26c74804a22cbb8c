"""The short way for regular requests: whole JSON columns to numpy at once.

Most requests hold every column of the signature, with each value already of the column's
JSON type. For those the general way (guess each column's dtype, cast it, enforce it) ends
where a direct conversion ends, at many times the cost. Whatever is not plainly such a request
is left to the general way, which alone decides what is an error.
"""

import operator
from collections.abc import Callable, Sequence
from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal

from handler.protocol import Envelope
from handler.schema import (
    BOOLEAN,
    DOUBLE,
    FLOAT,
    INTEGER,
    LONG,
    STRING,
    ColumnSchema,
    InputSchema,
    Scalar,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Columns = Sequence[Sequence[Any]]

Origin = Literal["frame", "cells", "arrays"]
"""How the general way would convert: whole columns by pandas, each value or whole columns by
numpy. The results differ in details."""

_NUMBERS = frozenset((int, float, bool, NoneType))
_TABLE = 2
"""The rank of an array of single values in columns."""

_TYPES = (BOOLEAN, INTEGER, LONG, FLOAT, DOUBLE, STRING)


class PlainReader:
    """Makes the final DataFrame of a regular request for a named column signature."""

    def __init__(self, types: dict[str, Scalar]) -> None:
        # Imported here: only a model that takes DataFrames needs pandas.
        import pandas as pd

        self._types = types
        self._index = pd.Index(list(types))
        self._is_all_double = set(types.values()) == {DOUBLE}
        self._pick = _picker(list(types))

    @classmethod
    def for_schema(cls, schema: InputSchema | None) -> "PlainReader | None":
        """Return a reader; None if the signature has what only the general way can do."""
        if not isinstance(schema, ColumnSchema) or not schema.is_named:
            return None
        types = {
            name: column.type
            for name, column in schema.by_name.items()
            if isinstance(column.type, Scalar) and column.type in _TYPES
        }
        return cls(types) if len(types) == len(schema.columns) else None

    def read(self, envelope: Envelope) -> "pd.DataFrame | None":
        """Return the data as enforcement would; None if the request is not a plain one."""
        try:
            columns = self._columns(envelope)
            return None if columns is None else self._frame(columns, _origin(envelope))
        except (KeyError, TypeError, ValueError, OverflowError):
            return None

    def _columns(self, envelope: Envelope) -> Columns | None:
        payload = envelope.payload
        if envelope.format == "dataframe_split":
            return self._columns_of_split(payload)
        if isinstance(payload, list):
            return self._columns_of_records(payload)
        if isinstance(payload, dict) and envelope.format in ("inputs", "instances"):
            return self._columns_of_lists(payload)
        return None

    def _columns_of_split(self, payload: Any) -> Columns | None:
        names, rows = payload["columns"], payload["data"]
        is_regular = payload.keys() == {"columns", "data"} and set(map(len, rows)) == {len(names)}
        if not is_regular or set(map(type, rows)) != {list} or len(set(names)) != len(names):
            return None
        by_name = dict(zip(names, zip(*rows, strict=True), strict=True))
        return [by_name[name] for name in self._types]

    def _columns_of_records(self, payload: list[Any]) -> Columns | None:
        # Inputs beside the signature's can make a request wrong, though they are dropped.
        if set(map(type, payload)) != {dict} or set(map(len, payload)) != {len(self._types)}:
            return None
        return list(zip(*map(self._pick, payload), strict=True))

    def _columns_of_lists(self, payload: dict[str, Any]) -> Columns | None:
        columns = [payload[name] for name in self._types]
        lengths = {len(column) if type(column) is list else -1 for column in payload.values()}
        if len(payload) != len(columns) or len(lengths) != 1 or -1 in lengths:
            return None
        return columns if columns[0] else None

    def _frame(self, columns: Columns, origin: Origin) -> "pd.DataFrame | None":
        import pandas as pd

        if self._is_all_double:
            block = _doubles(columns)
            # The transposed block is the layout that pandas gives a frame of one dtype. It
            # matters to the last bit: the order of a sum depends on it.
            return (
                None
                if block is None
                else pd.DataFrame(block.T, columns=self._index.copy(), copy=False)
            )
        arrays: dict[str, Any] = {}
        for (name, scalar), column in zip(self._types.items(), columns, strict=True):
            array = _array(column, scalar, origin)
            if array is None:
                return None
            arrays[name] = array
        return pd.DataFrame(arrays)


def _origin(envelope: Envelope) -> Origin:
    if envelope.format.startswith("dataframe"):
        return "frame"
    is_cells = envelope.format == "inputs" and isinstance(envelope.payload, list)
    return "cells" if is_cells else "arrays"


def _picker(names: list[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    if len(names) == 1:
        return lambda record: (record[names[0]],)
    return operator.itemgetter(*names)


def _doubles(columns: Columns) -> "np.ndarray[Any, Any] | None":
    import numpy as np

    block = np.array(columns)
    if block.ndim != _TABLE:
        return None  # lists in cells
    if block.dtype.kind not in "fi":
        # Text is none of ours; nulls among the numbers are, and become NaN.
        if not _NUMBERS.issuperset(map(type, chain.from_iterable(columns))):
            return None
        block = np.array(columns, dtype="float64")
    doubles: np.ndarray[Any, Any] = block.astype("float64", copy=False)
    return doubles


def _array(column: Sequence[Any], scalar: Scalar, origin: Origin) -> Any:
    import numpy as np

    if scalar is STRING:
        return _texts(column, origin)
    if scalar in (DOUBLE, FLOAT) and None in column:
        return np.array(column, scalar.dtype) if _NUMBERS.issuperset(map(type, column)) else None
    array = np.array(column)
    if array.ndim != 1 or not _is_exact(array, scalar, origin):
        return None
    return array.astype(scalar.dtype, copy=False)


def _is_exact(array: "np.ndarray[Any, Any]", scalar: Scalar, origin: Origin) -> bool:
    kind: str = array.dtype.kind
    if scalar is BOOLEAN:
        return kind == "b"
    if scalar is LONG:
        return kind == "i"
    if scalar is INTEGER:
        # pandas wraps integers that are too large, numpy refuses them.
        return kind == "i" and (origin == "frame" or bool((array == array.astype("int32")).all()))
    if scalar is FLOAT and origin != "frame":
        return kind == "f"  # numpy would round an integer twice, to double and to float
    return kind in "fi"


def _texts(column: Sequence[Any], origin: Origin) -> Any:
    import numpy as np

    types = set(map(type, column)) - ({NoneType} if origin == "frame" else set())
    if types != {str}:
        return None
    if origin == "frame":
        return list(column)
    # Fixed-width numpy text, which loses trailing NULs as it does in MLflow.
    texts = np.array(column, dtype="str")
    return list(texts) if origin == "cells" else texts
