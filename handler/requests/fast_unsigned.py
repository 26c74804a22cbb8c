"""The short way for regular requests to a model without a signature: tables without pandas.

Regular is a `dataframe_split` or `dataframe_records` that names each column which the model was
fitted with, in that order, and has values of one JSON type in each. What becomes of it is what
`numpy.asarray` makes of the frame that pandas would. Arrays need no short way.
"""

from collections.abc import Sequence
from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any

from handler.manifest import EngineInfo
from handler.predictor import RegularData
from handler.requests.envelope import Envelope
from handler.requests.fast_kinds import KINDS, IrregularError, require

if TYPE_CHECKING:
    import numpy as np

_NUMBERS = frozenset((int, float, NoneType))
_TABLE = 2
"""The rank of an array of single values in columns."""


class UnsignedReader:
    """Makes the data of a regular request for a model that was logged without a signature.

    :param engine: it takes arrays or columns, the latter only by name.
    """

    def __init__(self, engine: EngineInfo) -> None:
        self._names = None if engine.names is None else list(engine.names)
        self._width = engine.width
        self._is_array = engine.input_kind == "array"
        self._is_compiled = engine.name != "exact"
        self._make = KINDS[engine.input_kind](self._names or [])

    @classmethod
    def for_engine(cls, engine: EngineInfo) -> "UnsignedReader | None":
        """Return a reader; None if the engine takes DataFrames."""
        is_array = engine.input_kind == "array"
        is_table = is_array or (engine.input_kind == "columns" and engine.names is not None)
        return cls(engine) if is_table and engine.width else None

    def read(self, envelope: Envelope) -> Any:
        """Return what the model gets; None if the request is not a regular one."""
        try:
            rows, index = self._rows(envelope)
            if self._is_array:
                data = self._make.from_table(_numbers(rows), index)
            else:
                columns = zip(self._names or (), zip(*rows, strict=True), strict=True)
                made = {name: _column(cells) for name, cells in columns}
                data = self._make.from_columns(made, index)
            return RegularData(data, len(rows)) if self._is_compiled else data
        except (IrregularError, KeyError, TypeError, ValueError, OverflowError):
            return None

    def _rows(self, envelope: Envelope) -> tuple[Sequence[Sequence[Any]], list[Any] | None]:
        payload, index = envelope.payload, None
        if envelope.format == "dataframe_split":
            require(isinstance(payload, dict) and payload.keys() <= {"columns", "data", "index"})
            names, rows, index = payload.get("columns"), payload["data"], payload.get("index")
            require(type(rows) is list and set(map(type, rows)) == {list})
            require(index is None or type(index) is list)
        else:
            require(envelope.format == "dataframe_records" and type(payload) is list)
            require(set(map(type, payload)) == {dict})
            names = list(payload[0])
            require(set(map(len, payload)) == {len(names)})
            rows = [[record[name] for name in names] for record in payload]
        require(names == self._names if self._names else _are_free(names))
        require(set(map(len, rows)) == {self._width} == {len(names or rows[0])})
        return rows, index


def _are_free(names: Any) -> bool:
    """Tell whether a frame with these names is nothing to a model without names."""
    return names is None or (set(map(type, names)) == {str} and len(set(names)) == len(names))


def _numbers(rows: Sequence[Sequence[Any]]) -> "np.ndarray[Any, Any]":
    """Return a row for each column, in the dtype that its columns have in common."""
    import numpy as np

    types = set(map(type, chain.from_iterable(rows)))
    require(types <= _NUMBERS)
    table = np.array(rows)
    if NoneType in types:
        # A column of nulls alone holds objects in a frame.
        require(all(set(map(type, column)) != {NoneType} for column in zip(*rows, strict=True)))
        table = table.astype("float64")
    require(table.ndim == _TABLE and table.dtype.kind in "fi")
    by_column: np.ndarray[Any, Any] = table.T
    return by_column


def _column(cells: Sequence[Any]) -> Any:
    import numpy as np

    types = set(map(type, cells))
    if types == {str}:
        return list(cells)
    require(types == {bool} or (types <= _NUMBERS and types != {NoneType}))
    array = np.array(cells)
    if array.dtype.kind == "O":
        require(NoneType in types)
        array = array.astype("float64")
    require(array.dtype.kind in "bfi")
    return array
