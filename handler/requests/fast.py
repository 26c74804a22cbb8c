"""The short way for regular requests: whole JSON columns to numpy at once.

Most requests hold every column of the signature, with each value already of the column's
JSON type. For those the general way (guess each column's dtype, cast it, enforce it) ends
where a direct conversion ends, at many times the cost. Whatever is not plainly such a request
is left to the general way, which alone decides what is an error.
"""

import operator
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, cast

from handler.manifest import InputKind
from handler.requests.envelope import Envelope
from handler.requests.fast_kinds import KINDS, IrregularError, require
from handler.signature.schema import (
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

Columns = Sequence[Sequence[Any]]

Origin = Literal["frame", "cells", "arrays"]
"""How the general way would convert: whole columns by pandas, each value or whole columns by
numpy. The results differ in details."""

_NUMBERS = frozenset((int, float, bool, NoneType))
_TABLE = 2
"""The rank of an array of single values in columns."""

_TYPES = (BOOLEAN, INTEGER, LONG, FLOAT, DOUBLE, STRING)


class FastReader:
    """Makes the final data of a regular request for a named column signature.

    :param kind: what to make of it: a DataFrame, an array or columns (see `InputKind`).
    """

    def __init__(self, types: dict[str, Scalar], kind: InputKind) -> None:
        self._types = types
        self._make = KINDS[kind](list(types))
        self._is_all_double = set(types.values()) == {DOUBLE}
        self._pick = _picker(list(types))

    @classmethod
    def for_schema(
        cls, schema: InputSchema | None, kind: InputKind = "frame"
    ) -> "FastReader | None":
        """Return a reader; None if the signature has what only the general way can do."""
        if not isinstance(schema, ColumnSchema) or not schema.is_named:
            return None
        types = {
            name: column.type
            for name, column in schema.by_name.items()
            if isinstance(column.type, Scalar) and column.type in _TYPES
        }
        return cls(types, kind) if len(types) == len(schema.columns) else None

    def read(self, envelope: Envelope) -> Any:
        """Return the data as enforcement would; None if the request is not a regular one."""
        try:
            if self._is_all_double:
                return self._make.from_table(self._table(envelope), _index(envelope))
            return self._make.from_columns(self._mixed(envelope), _index(envelope))
        except (IrregularError, KeyError, TypeError, ValueError, OverflowError):
            return None

    def _table(self, envelope: Envelope) -> "np.ndarray[Any, Any]":
        payload = envelope.payload
        if envelope.format == "dataframe_split" and len(payload["columns"]) == len(self._types):
            names, rows = _split(payload)
            by_row = _doubles(rows)
            require(by_row.ndim == _TABLE and by_row.shape[1] == len(names))
            position = {name: index for index, name in enumerate(names)}
            return by_row.T[[position[name] for name in self._types]]
        if isinstance(payload, list):
            # One flat list converts faster than one for each row.
            cells = _doubles(list(chain.from_iterable(self._rows(envelope))))
            require(cells.ndim == 1)
            return cells.reshape(len(payload), -1).T
        table = _doubles(self._columns(envelope))
        require(table.ndim == _TABLE)
        return table

    def _mixed(self, envelope: Envelope) -> dict[str, Any]:
        origin = _origin(envelope)
        columns = zip(self._types.items(), self._columns(envelope), strict=True)
        return {name: _array(column, scalar, origin) for (name, scalar), column in columns}

    def _columns(self, envelope: Envelope) -> Columns:
        payload = envelope.payload
        if envelope.format == "dataframe_split":
            names, rows = _split(payload)
            require(set(map(type, rows)) == {list} and set(map(len, rows)) == {len(names)})
            by_name = dict(zip(names, zip(*rows, strict=True), strict=True))
            return [by_name[name] for name in self._types]
        if isinstance(payload, list):
            return list(zip(*self._rows(envelope), strict=True))
        return self._lists(envelope)

    def _rows(self, envelope: Envelope) -> Iterator[tuple[Any, ...]]:
        records = envelope.payload
        require(set(map(type, records)) == {dict})
        if envelope.format != "dataframe_records":
            # An input beside the signature's can make a request wrong, though it is dropped.
            require(set(map(len, records)) == {len(self._types)})
        return map(self._pick, records)

    def _lists(self, envelope: Envelope) -> Columns:
        payload = envelope.payload
        require(isinstance(payload, dict) and envelope.format in ("inputs", "instances"))
        columns = [payload[name] for name in self._types]
        require(len(payload) == len(columns) and set(map(type, columns)) == {list})
        lengths = set(map(len, columns))
        require(len(lengths) == 1 and lengths != {0})
        return columns


def _split(payload: Any) -> tuple[list[Any], list[Any]]:
    """Return the names and the rows of a `dataframe_split`."""
    names, rows = payload["columns"], payload["data"]
    require(type(names) is type(rows) is list and len(set(names)) == len(names))
    require(payload.keys() <= {"columns", "data", "index"})
    return names, rows


def _index(envelope: Envelope) -> list[Any] | None:
    if envelope.format != "dataframe_split":
        return None
    index = envelope.payload.get("index")
    require(index is None or type(index) is list)
    return cast("list[Any] | None", index)


def _origin(envelope: Envelope) -> Origin:
    if envelope.format.startswith("dataframe"):
        return "frame"
    is_cells = envelope.format == "inputs" and isinstance(envelope.payload, list)
    return "cells" if is_cells else "arrays"


def _picker(names: list[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    if len(names) == 1:
        return lambda record: (record[names[0]],)
    return operator.itemgetter(*names)


def _doubles(values: Sequence[Any]) -> "np.ndarray[Any, Any]":
    import numpy as np

    array = np.array(values)
    if array.dtype.kind == "O":
        # Text is none of ours; nulls among the numbers are, and become NaN.
        require(_NUMBERS.issuperset(map(type, array.ravel().tolist())))
    else:
        require(array.dtype.kind in "fiub")
    doubles: np.ndarray[Any, Any] = array.astype("float64", copy=False)
    return doubles


def _array(column: Sequence[Any], scalar: Scalar, origin: Origin) -> Any:
    import numpy as np

    if scalar is STRING:
        return _texts(column, origin)
    if scalar in (DOUBLE, FLOAT) and None in column:
        require(_NUMBERS.issuperset(map(type, column)))
        return np.array(column, scalar.dtype)
    array = np.array(column)
    require(array.ndim == 1 and _is_exact(array, scalar, origin))
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
    require(types == {str})
    if origin == "frame":
        return list(column)
    # Fixed-width numpy text, which loses trailing NULs as it does in MLflow.
    texts = np.array(column, dtype="str")
    return list(texts) if origin == "cells" else texts
