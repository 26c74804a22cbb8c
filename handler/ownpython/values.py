"""Data and predictions as messages between two Pythons, whose libraries differ in age.

Objects of numpy and pandas pickle by the names of their modules, which change from version to
version. So a message holds builtins alone, with dates and decimals: an array is its dtype, shape
and bytes, a DataFrame its labels and the array of each column.

A message is its length, 8 bytes of big-endian, and a pickle of protocol 4 that names no class
but those of the standard library that stand in `_CLASSES`.
"""

import datetime
import decimal
import io
import pickle
import struct
import sys
from typing import IO, Any, Callable, Dict, List, Optional, Tuple

_LENGTH = struct.Struct(">Q")
_PROTOCOL = 4
_CLASSES = {
    (kind.__module__, kind.__name__): kind
    for kind in (
        datetime.datetime,
        datetime.date,
        datetime.time,
        datetime.timedelta,
        datetime.timezone,
        decimal.Decimal,
    )
}
_PLAIN = frozenset([type(None), bool, int, float, complex, str, bytes, *_CLASSES.values()])

_SUBCLASSED: Tuple[Any, ...] = (str, bytes, int, float, list, tuple)
"""What classes of the model's own may derive from; JSON makes no difference."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _CLASSES[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"a message names {module}.{name}") from None


def send(stream: IO[bytes], message: Any) -> None:
    """Write a message of builtins.

    :raises OSError: nobody reads any more.
    """
    body = pickle.dumps(message, protocol=_PROTOCOL)
    stream.write(_LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Return the next message.

    :raises EOFError: there will be none: the other process has ended.
    """
    (length,) = _LENGTH.unpack(_read(stream, _LENGTH.size))
    return _Unpickler(io.BytesIO(_read(stream, length))).load()


def pack(value: Any) -> Any:
    """Return a value as builtins; :func:`unpack` makes it again, with its own libraries.

    Of what it does not know the other side learns nothing but the type's name.
    """
    kind = type(value)
    if kind is datetime.datetime and value.tzinfo is not None:
        return value.replace(tzinfo=datetime.timezone(value.utcoffset()))
    if kind in _PLAIN:
        return value
    if kind is list:
        return [pack(item) for item in value]
    # A tuple is a tag and what it tells of.
    if kind is tuple:
        return "tuple", [pack(item) for item in value]
    if isinstance(value, dict):
        return "dict", [(pack(key), pack(item)) for key, item in value.items()]
    packed = _pack_of_libraries(value)
    if packed is not None:
        return packed
    for plain in _SUBCLASSED:
        if isinstance(value, plain):
            return pack(plain(value))
    if isinstance(value, bytearray):
        return bytes(value)
    return "opaque", kind.__name__


def unpack(packed: Any) -> Any:
    """Return the value that :func:`pack` made this of."""
    if type(packed) is list:
        return [unpack(item) for item in packed]
    if type(packed) is not tuple:
        return packed
    return _UNPACKERS[packed[0]](*packed[1:])


def _read(stream: IO[bytes], count: int) -> bytes:
    body = stream.read(count)
    if len(body) != count:
        raise EOFError("the process at the other end has ended")
    return body


def _pack_of_libraries(value: Any) -> Optional[Tuple[Any, ...]]:
    # A library that nobody has imported cannot have made the value.
    for name, of_library in (("pandas", _pack_of_pandas), ("numpy", _pack_of_numpy)):
        library = sys.modules.get(name)
        packed = None if library is None else of_library(library, value)
        if packed is not None:
            return packed
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and isinstance(value, pydantic.BaseModel):
        return ("dict", pack(dict(value))[1])
    return None


def _pack_of_pandas(pandas: Any, value: Any) -> Optional[Tuple[Any, ...]]:
    if value is pandas.NaT:
        return ("missing", "NaT")
    if value is getattr(pandas, "NA", pandas):  # pandas 1.0 brought it
        return ("missing", "NA")
    if isinstance(value, pandas.Timestamp):
        return ("timestamp", _nanoseconds(value), None if value.tz is None else str(value.tz))
    if isinstance(value, pandas.Timedelta):
        return ("timedelta", _nanoseconds(value))
    if isinstance(value, pandas.DataFrame):
        columns = [_pack_series(value.iloc[:, place]) for place in range(value.shape[1])]
        return ("frame", _pack_index(value.columns), _pack_index(value.index), columns)
    if isinstance(value, pandas.Series):
        return ("series", pack(value.name), _pack_index(value.index), _pack_series(value))
    return ("index", _pack_index(value)) if isinstance(value, pandas.Index) else None


def _pack_of_numpy(numpy: Any, value: Any) -> Optional[Tuple[Any, ...]]:
    if isinstance(value, numpy.ndarray):
        return _pack_array(value)
    if isinstance(value, numpy.generic):
        return ("scalar", value.dtype.str, value.tobytes())
    return None


def _pack_array(array: Any) -> Tuple[Any, ...]:
    if array.dtype.kind in "biufcMmSU":
        return ("array", array.dtype.str, array.shape, array.tobytes())
    return ("objects", array.shape, [pack(item) for item in array.ravel().tolist()])


def _pack_series(series: Any) -> Tuple[Any, ...]:
    """Return a column as pandas' name of its dtype, or None for numpy's own, and its array."""
    import numpy

    if isinstance(series.dtype, numpy.dtype):
        return None, _pack_array(series.values)
    name = str(series.dtype)
    if getattr(series.dtype, "tz", None) is not None:
        return name, [pack(item) for item in series]
    if name == "category":
        labels = series.cat
        codes = labels.codes.values
        return ("category", labels.ordered), (_pack_index(labels.categories), _pack_array(codes))
    # Text of pandas 3 has a missing value of floats; what is older knows it as an object.
    return (None if name == "str" else name), _pack_array(series.astype(object).values)


def _pack_index(index: Any) -> Tuple[Any, ...]:
    import pandas

    if isinstance(index, pandas.RangeIndex):
        return "range", (int(index.start), int(index.stop), int(index.step)), pack(index.name)
    if isinstance(index, pandas.MultiIndex):
        return "tuples", [pack(item) for item in index], pack(list(index.names))
    return "values", _pack_series(index.to_series()), pack(index.name)


def _nanoseconds(value: Any) -> int:
    # pandas 2 has other units too.
    return int(value.as_unit("ns").value if hasattr(value, "as_unit") else value.value)


def _array(dtype: str, shape: Tuple[int, ...], data: bytes) -> Any:
    import numpy

    # A copy: what is read from bytes cannot be written to, and models may.
    return numpy.frombuffer(data, dtype=numpy.dtype(dtype)).reshape(shape).copy()


def _objects(shape: Tuple[int, ...], items: List[Any]) -> Any:
    import numpy

    array: Any = numpy.empty(len(items), dtype=object)
    for place, item in enumerate(items):
        array[place] = unpack(item)
    return array.reshape(shape)


def _scalar(dtype: str, data: bytes) -> Any:
    import numpy

    return numpy.frombuffer(data, dtype=numpy.dtype(dtype))[0]


def _missing(name: str) -> Any:
    import pandas

    return getattr(pandas, name, None)


def _timestamp(nanoseconds: int, zone: Optional[str]) -> Any:
    import pandas

    timestamp = pandas.Timestamp(nanoseconds)
    return timestamp if zone is None else timestamp.tz_localize("UTC").tz_convert(zone)


def _timedelta(nanoseconds: int) -> Any:
    import pandas

    return pandas.Timedelta(nanoseconds)


def _column(column: Tuple[Any, Any], index: Any = None, name: Any = None) -> Any:
    import pandas

    dtype, packed = column
    if isinstance(dtype, tuple):
        labels, codes = packed
        values = pandas.Categorical.from_codes(unpack(codes), _index(*labels), ordered=dtype[1])
        return pandas.Series(values, index=index, name=name)
    values = unpack(packed)
    if dtype is None:
        # Objects stay objects: pandas 3 would make text of them.
        kind = object if values.dtype == object else None
        return pandas.Series(values, index=index, name=name, dtype=kind)
    return pandas.Series(values, index=index, name=name, dtype=dtype)


def _series(name: Any, index: Any, column: Any) -> Any:
    return _column(column, index=_index(*index), name=unpack(name))


def _frame(columns: Any, index: Any, packed: List[Any]) -> Any:
    import pandas

    rows = _index(*index)
    if not packed:
        return pandas.DataFrame(index=rows, columns=_index(*columns))
    series = [_column(column, index=rows) for column in packed]
    frame = pandas.concat(series, axis=1)
    frame.columns = _index(*columns)
    return frame


def _index(kind: str, values: Any, name: Any) -> Any:
    import pandas

    if kind == "range":
        start, stop, step = values
        return pandas.RangeIndex(start, stop, step, name=unpack(name))
    if kind == "tuples":
        return pandas.MultiIndex.from_tuples([unpack(item) for item in values], names=unpack(name))
    series = _column(values)
    dtype = object if series.dtype == object else None
    return pandas.Index(series, name=unpack(name), dtype=dtype)


_UNPACKERS: Dict[str, Callable[..., Any]] = {
    "tuple": lambda items: tuple(unpack(item) for item in items),
    "dict": lambda items: {unpack(key): unpack(item) for key, item in items},
    "missing": _missing,
    "timestamp": _timestamp,
    "timedelta": _timedelta,
    "frame": _frame,
    "series": _series,
    "index": lambda index: _index(*index),
    "array": _array,
    "objects": _objects,
    "scalar": _scalar,
    "opaque": lambda name: type(name, (), {})(),
}
