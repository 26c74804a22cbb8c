"""Messages between two Pythons: plain values and arrays; nothing that executes when it is read.

A message is two lengths (8 bytes each, little-endian), a JSON document and the arrays that it
refers to, one `.npy` after the other. Both sides import this: the syntax is Python 3.6's.
"""

import base64
import io
import json
import math
from typing import IO, Any, Callable  # noqa: UP035 - Python 3.6's

import numpy as np

_TYPES = {kind.__name__: kind for kind in (bool, int, float, str, object)}
_LENGTH = 8

Refer = Callable[[Any], "dict[str, Any]"]
"""Describes an object that cannot travel: a JSON object for the other side's `find`."""
Find = Callable[["dict[str, Any]"], Any]
"""Returns what stands here for an object that was described."""


def send(file: "IO[bytes]", value: Any, refer: "Refer | None" = None) -> None:
    """Write a message.

    :param refer: for objects that cannot travel.
    :raises TypeError: there is such an object, and no `refer`.
    """
    arrays = []  # type: list[bytes]
    document = json.dumps(_Encoder(arrays, refer).encode(value)).encode()
    body = b"".join(arrays)
    for length in (len(document), len(body)):
        file.write(length.to_bytes(_LENGTH, "little"))
    file.write(document)
    file.write(body)
    file.flush()


def receive(file: "IO[bytes]", find: Find) -> Any:
    """Read a message.

    :raises EOFError: the other side has gone.
    """
    sizes = [int.from_bytes(_read(file, _LENGTH), "little") for _ in range(2)]
    document = json.loads(_read(file, sizes[0]).decode())
    return _Decoder(io.BytesIO(_read(file, sizes[1])), find).decode(document)


def _read(file: "IO[bytes]", size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError("the other Python has ended")
    return data


class _Encoder:
    def __init__(self, arrays: "list[bytes]", refer: "Refer | None") -> None:
        self._arrays = arrays
        self._refer = refer

    def encode(self, value: Any) -> Any:
        """Return the value in JSON's types: an object for all that JSON has no word for."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, float) and not isinstance(value, np.generic):
            # JSON has no other floats.
            return float(value) if math.isfinite(value) else {"float": repr(float(value))}
        for kind in (int, str):
            if isinstance(value, kind) and not isinstance(value, np.generic):
                return kind(value)
        if isinstance(value, (bytes, bytearray)):
            return {"bytes": base64.b64encode(value).decode()}
        for name, several in (("list", list), ("tuple", tuple), ("set", (set, frozenset))):
            if isinstance(value, several):
                return {name: [self.encode(one) for one in value]}
        if isinstance(value, dict):
            return {"dict": [[self.encode(key), self.encode(one)] for key, one in value.items()]}
        if isinstance(value, slice):
            return {"slice": [self.encode(one) for one in (value.start, value.stop, value.step)]}
        return self._of_numpy(value)

    def _of_numpy(self, value: Any) -> Any:
        if isinstance(value, np.ma.MaskedArray):
            return self._other(value)
        if isinstance(value, np.generic):
            return {"scalar": self._add(np.asarray(value))}
        if isinstance(value, np.ndarray):
            if value.dtype.kind == "O":
                items = [self.encode(one) for one in value.ravel().tolist()]
                return {"objects": items, "shape": list(value.shape)}
            return {"array": self._add(np.asarray(value))}
        if isinstance(value, np.dtype):
            return {"dtype": value.str}
        name = str(getattr(value, "__name__", ""))
        if _TYPES.get(name) is value:
            return {"type": name}
        if name and getattr(np, name, None) is value:
            return {"numpy": name}
        return self._other(value)

    def _other(self, value: Any) -> Any:
        kind = (type(value).__module__.partition(".")[0], type(value).__name__)
        if kind == ("pandas", "DataFrame"):
            columns = [_column(value.iloc[:, index]) for index in range(value.shape[1])]
            return {"frame": self.encode([list(value.columns), columns])}
        if kind == ("pandas", "Series"):
            return {"series": self.encode([value.name, _column(value)])}
        if self._refer is None:
            raise TypeError("a %s cannot be sent" % type(value).__name__)  # noqa: UP031
        return {"object": self._refer(value)}

    def _add(self, array: Any) -> int:
        file = io.BytesIO()
        np.save(file, array, allow_pickle=False)
        self._arrays.append(file.getvalue())
        return sum(map(len, self._arrays[:-1]))


def _column(series: Any) -> Any:
    """Return a column as an array of numbers or of Python's objects."""
    if isinstance(series.dtype, np.dtype):
        return series.to_numpy() if hasattr(series, "to_numpy") else series.values
    return np.array([None if one is None else one for one in series], dtype=object)


class _Decoder:
    def __init__(self, arrays: io.BytesIO, find: Find) -> None:
        self._arrays = arrays
        self._find = find

    def decode(self, document: Any) -> Any:
        """Return the value that the document describes."""
        if not isinstance(document, dict):
            return document
        name = next(iter(document))
        return getattr(self, "_" + name)(document[name], document)

    def _float(self, text: str, _: Any) -> float:
        return float(text)

    def _bytes(self, text: str, _: Any) -> bytes:
        return base64.b64decode(text)

    def _list(self, items: Any, _: Any) -> Any:
        return [self.decode(one) for one in items]

    def _tuple(self, items: Any, _: Any) -> Any:
        return tuple(self.decode(one) for one in items)

    def _set(self, items: Any, _: Any) -> Any:
        return {self.decode(one) for one in items}

    def _dict(self, pairs: Any, _: Any) -> Any:
        return {self.decode(key): self.decode(one) for key, one in pairs}

    def _slice(self, parts: Any, _: Any) -> Any:
        return slice(*[self.decode(one) for one in parts])

    def _array(self, offset: int, _: Any) -> Any:
        self._arrays.seek(offset)
        return np.load(self._arrays, allow_pickle=False)

    def _scalar(self, offset: int, _: Any) -> Any:
        return self._array(offset, None)[()]

    def _objects(self, items: Any, document: Any) -> Any:
        array = np.empty(len(items), dtype=object)  # type: np.ndarray
        for index, one in enumerate(items):
            array[index] = self.decode(one)
        return array.reshape(document["shape"])

    def _dtype(self, text: str, _: Any) -> Any:
        return np.dtype(text)

    def _type(self, name: str, _: Any) -> Any:
        return _TYPES[name]

    def _numpy(self, name: str, _: Any) -> Any:
        return getattr(np, name)

    def _frame(self, document: Any, _: Any) -> Any:
        import pandas as pd  # only where a table travels

        names, columns = self.decode(document)
        frame = pd.DataFrame(dict(enumerate(columns)))
        frame.columns = names
        return frame

    def _series(self, document: Any, _: Any) -> Any:
        import pandas as pd

        name, column = self.decode(document)
        return pd.Series(column, name=name)

    def _object(self, description: Any, _: Any) -> Any:
        return self._find(description)
