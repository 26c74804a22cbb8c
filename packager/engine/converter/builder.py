"""Writing compiled programs: the file that `handler/engines/program.py` reads."""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from handler.engines.program import ALIGNMENT, FORMAT, MAGIC

Back = Callable[["np.ndarray"], "np.ndarray"]
"""From values that a part sees to those that were in the column before."""
Seen = tuple[int, tuple[Back, ...]] | None
"""A column of what comes before, and the way back to its values; None: not of one column."""
Step = dict[str, Any]
"""One step in JSON's types: `{"op": NAME, "arrays": {NAME: number}, "chains": [[Step]], ...}`."""


class NotConvertible(Exception):
    """The model cannot be computed without its library.

    :param reason: why, in a sentence.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Builder:
    """Collects a program's arrays, and the edges at which its predictions may jump."""

    def __init__(self, columns: Sequence[str] = ()) -> None:
        """Begin an empty program.

        :param columns: names of the input's columns, in order, as far as they have names.
        """
        self.columns = tuple(columns)
        self._origin: list[Seen] | None = None
        self._arrays: list[np.ndarray] = []
        self._is_object: list[bool] = []
        self._is_transposed: list[bool] = []
        self._numbers: dict[tuple[object, ...], int] = {}
        self._edges: dict[int, list[np.ndarray]] = {}

    def add(self, array: Any) -> int:
        """Return the array's number in the file; the same array twice is stored once.

        :param array: of numbers, booleans or strings; of objects, if all are strings.
        :raises NotConvertible: it holds anything else.
        """
        given = np.asarray(array)
        # In the memory layout that it has, for the order of a sum depends on it.
        is_transposed = given.flags.f_contiguous and not given.flags.c_contiguous
        plain, is_object = _plain(given.T if is_transposed else given)
        key = (plain.dtype.str, plain.shape, is_object, is_transposed, _digest(plain))
        number = self._numbers.setdefault(key, len(self._arrays))
        if number == len(self._arrays):
            self._arrays.append(plain)
            self._is_object.append(is_object)
            self._is_transposed.append(is_transposed)
        return number

    def edge(self, column: int, values: Any) -> None:
        """Note values of an input column near which the model is to be compared.

        :param column: counted in what the part being converted sees.
        :param values: thresholds, category codes, strings: 1-D.
        """
        edges = np.asarray(values).ravel()
        if self._origin is not None:
            seen = self._origin[column] if column < len(self._origin) else None
            if seen is None:
                return
            column = seen[0]
            for back in seen[1]:
                edges = back(edges)
        self._edges.setdefault(column, []).append(edges)

    @property
    def is_input(self) -> bool:
        """Whether what is being converted sees the program's own input."""
        return self._origin is None

    @contextmanager
    def part(self, columns: "Sequence[int | Seen]") -> Iterator[None]:
        """Convert a part that sees only some of the input's columns within.

        :param columns: what it sees, in its order: a column as it is, or changed by what comes
            before the part; fewer, or None, for what is computed of several.
        """
        before = self._origin
        seen = [(one, ()) if isinstance(one, int) else one for one in columns]
        self._origin = [self._through(before, one) for one in seen]
        try:
            yield
        finally:
            self._origin = before

    @staticmethod
    def _through(before: "list[Seen] | None", seen: "Seen") -> "Seen":
        if before is None or seen is None:
            return seen
        column, back = seen
        outer = before[column] if column < len(before) else None
        return None if outer is None else (outer[0], (*back, *outer[1]))

    @property
    def edges(self) -> dict[int, np.ndarray]:
        """The noted values by column, each once, sorted; strings as objects."""
        return {column: _distinct(parts) for column, parts in self._edges.items() if parts}

    def write(
        self,
        path: Path,
        steps: list[Step],
        columns: Sequence[str] | None = None,
        unsigned: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the program; equal programs give equal bytes.

        :param columns: the input's column names, when the first step takes a dict of 1-D arrays
            rather than a 2-D array.
        :param unsigned: for a model without a signature, see `handler/engines/unsigned.py`.
        """
        entries, offset = [], 0
        arrays = zip(self._arrays, self._is_object, self._is_transposed, strict=True)
        for array, is_object, is_transposed in arrays:
            entries.append(
                {
                    "dtype": array.dtype.str,
                    "shape": list(array.shape),
                    "offset": offset,
                    "is_object": is_object,
                    "is_transposed": is_transposed,
                }
            )
            offset += array.nbytes + -array.nbytes % ALIGNMENT
        header = json.dumps(
            {
                "format": FORMAT,
                "columns": None if columns is None else list(columns),
                "width": len(self.columns) or None,
                "steps": steps,
                "arrays": entries,
                "unsigned": unsigned,
            },
            sort_keys=True,
        ).encode()
        with path.open("wb") as file:
            file.write(MAGIC + len(header).to_bytes(8, "little") + header)
            file.write(bytes(-(16 + len(header)) % ALIGNMENT))
            for array in self._arrays:
                file.write(array.tobytes() + bytes(-array.nbytes % ALIGNMENT))


def _digest(array: np.ndarray) -> bytes:
    return hashlib.sha256(array.tobytes()).digest()


def _plain(array: np.ndarray) -> tuple[np.ndarray, bool]:
    is_object = array.dtype.kind == "O"
    if is_object:
        if not all(type(value) is str for value in array.ravel()):
            raise NotConvertible("it holds an array of Python objects that are not all strings")
        width = max((len(value) for value in array.ravel()), default=1) or 1
        plain: np.ndarray = array.astype(f"<U{width}")
        # Fixed width pads with NUL, so NULs at a string's end would be lost.
        if not (plain.astype(object) == array).all():
            raise NotConvertible("it holds strings that end in NUL characters")
        array = plain
    if array.dtype.kind not in "biufU" or array.dtype == np.longdouble:
        raise NotConvertible(f"it holds an array of {array.dtype}")
    little = array.dtype.newbyteorder("<")
    return np.ascontiguousarray(array, little).reshape(array.shape), is_object


def _distinct(parts: list[np.ndarray]) -> np.ndarray:
    if any(part.dtype.kind in "OUS" for part in parts):
        values = {str(value) for part in parts for value in part if isinstance(value, str)}
        return np.array(sorted(values), dtype=object)
    return np.unique(np.concatenate(parts))


Recurse = Callable[[Any, str], list[Step]]
"""Converts a part of a model: the part, and which of its methods."""
Convert = Callable[[Any, str, Builder, Recurse], list[Step]]
"""Converts a model of one class: the model, the method that is wanted (`predict`,
`predict_proba`, `decision_function`, `transform`, ...), where arrays and edges go, and how its
parts are converted."""
