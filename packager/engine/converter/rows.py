"""Generated rows on which a compiled model is compared with its source.

Half of the values lie where a difference would show: at split thresholds exactly and one unit in
the last place to either side, of float64 and of float32. What many models refuse (huge numbers,
missing values, infinities) comes in blocks of its own, so that a refusal hides no other row.
"""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np

Kind = Literal["float64", "float32", "int64", "int32", "bool", "string"]
Columns = dict[str, np.ndarray]
"""A block: 1-D arrays of one length by column name; strings as objects."""

BLOCK = 1_000
_MOST_ROWS = 60_000
"""To have every threshold of every column among them; a larger forest has a part of them there."""
_SPECIAL_ROWS = 300
_MAY_BE_CATEGORIES = frozenset({"string", "int64", "int32"})
_LARGEST = float(np.finfo(np.float32).max)
_SMALL = (0.0, -0.0, 5e-324, -5e-324, 1e-45, -1e-45, 1.1754944e-38, 1e-300, 1.0, -1.0)
_LARGE = (_LARGEST, -_LARGEST, 1e30, -1e30, 2.0**53, 2.0**24 + 1)
_BEYOND_FLOAT32 = (3.5e38, -3.5e38, 1.7976931348623157e308, -1.7976931348623157e308)
_STRINGS = ("", " ", "unknown", "nan", "None", "0", "é\u0301")


def generate(
    example: Mapping[str, np.ndarray] | None,
    edges: Mapping[int, np.ndarray],
    kinds: Mapping[str, Kind],
    count: int = 10_000,
    seed: int = 0,
) -> Iterator[Columns]:
    """Yield blocks of ordinary rows, at least `count`; the special ones are `generate_special`'s.

    In half of the cells of a column are the values at its edges, each as often as the others, and
    those next to them; as many rows are made as that takes.

    :param example: rows that the model is known to take, by column; None: there are none.
    :param edges: values near which predictions may jump, by the column's position.
    :param kinds: what each column holds, in the columns' order.
    """
    random = np.random.default_rng(seed)
    # One unknown category may be enough to have a whole block refused: there are blocks without.
    has_categories = any(kind in _MAY_BE_CATEGORIES for kind in kinds.values())
    for is_known in (True, False) if has_categories else (False,):
        streams = _streams(random, example, edges, kinds, is_known=is_known)
        wanted = max(count, min(_MOST_ROWS, *(2 * stream.edges for stream in streams.values())))
        for start in range(0, wanted, BLOCK):
            rows = min(BLOCK, wanted - start)
            yield {name: stream.take(rows) for name, stream in streams.items()}
    for rows in (1, 2, 7):
        yield {name: stream.take(rows) for name, stream in streams.items()}


def generate_special(
    example: Mapping[str, np.ndarray] | None,
    edges: Mapping[int, np.ndarray],
    kinds: Mapping[str, Kind],
    seed: int = 1,
) -> Iterator[Columns]:
    """Yield blocks of rows that many models refuse, or that a transformer turns into such."""
    random = np.random.default_rng(seed)
    streams = _streams(random, example, edges, kinds, is_known=True)
    specials: tuple[tuple[float, ...], ...] = (
        _LARGE,
        (np.nan,),
        (np.inf,),
        (-np.inf,),
        _BEYOND_FLOAT32,
        (np.nan, np.inf, -np.inf, *_BEYOND_FLOAT32),
    )
    for values in specials:
        for rows, share in ((_SPECIAL_ROWS, 0.1), (_SPECIAL_ROWS, 0.7), (1, 0.3), (1, 1.0)):
            block = {name: stream.take(rows) for name, stream in streams.items()}
            for name, kind in kinds.items():
                block[name] = _sprinkled(random, block[name], kind, values, share)
            yield block


def as_array(block: Columns) -> np.ndarray:
    """Return the block as rows x columns, in the common dtype of its columns."""
    return np.column_stack(list(block.values()))


class _Stream:
    """The values of one column, as many as are wanted."""

    def __init__(
        self,
        random: np.random.Generator,
        kind: Kind,
        edges: np.ndarray | None,
        example: np.ndarray | None,
        *,
        is_known: bool,
    ) -> None:
        self._random, self._kind = random, kind
        self._near, self._ordinary = _pools(kind, edges, example, is_known=is_known)
        random.shuffle(self._near)
        self._at = 0

    @property
    def edges(self) -> int:
        """How many values there are at the edges and next to them."""
        return len(self._near)

    def take(self, rows: int) -> np.ndarray:
        """Return the next values; every second one or so is the next one at an edge."""
        ordinary = self._ordinary[self._random.integers(0, len(self._ordinary), rows)]
        if self._kind in ("float64", "float32"):
            other = self._ordinary[self._random.integers(0, len(self._ordinary), rows)]
            weight = self._random.random(rows)
            ordinary = (ordinary * weight + other * (1 - weight)).astype(self._kind)
        if not len(self._near):
            return ordinary
        # In turn, but not all columns in the same rows.
        places = self._random.permutation(rows)[: -(-rows // 2)]
        turns: np.ndarray = (self._at + np.arange(len(places))) % len(self._near)
        self._at += len(places)
        ordinary[places] = self._near[turns]
        return ordinary


def _streams(
    random: np.random.Generator,
    example: Mapping[str, np.ndarray] | None,
    edges: Mapping[int, np.ndarray],
    kinds: Mapping[str, Kind],
    *,
    is_known: bool,
) -> dict[str, _Stream]:
    given = example or dict.fromkeys(kinds)
    return {
        name: _Stream(random, kind, edges.get(index), given[name], is_known=is_known)
        for index, (name, kind) in enumerate(kinds.items())
    }


def _pools(
    kind: Kind, edges: np.ndarray | None, example: np.ndarray | None, *, is_known: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the values at the edges, and ordinary ones.

    :param is_known: only strings and integers that the model is known to take; floats as ever.
    """
    parts = [part for part in (edges, example) if part is not None and len(part)]
    if kind == "bool":
        return np.zeros(0, bool), np.array([False, True])
    if kind == "string":
        return np.array([], dtype=object), _strings(parts, is_known=is_known)
    if kind in ("int64", "int32"):
        return _integers(parts, kind, is_known=is_known)
    known = [_finite(part) for part in parts]
    values = np.concatenate(known) if known else np.zeros(1)
    near = np.zeros(0) if edges is None else _neighbours(_finite(edges))
    return _of_kind(near, kind), _of_kind(np.concatenate([values, _around(values), _SMALL]), kind)


def _of_kind(values: np.ndarray, kind: Kind) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore"):
        pool: np.ndarray = values.astype(kind)
    return pool[np.isfinite(pool) & (np.abs(pool) <= _LARGEST)]


def _strings(parts: list[np.ndarray], *, is_known: bool) -> np.ndarray:
    strings = [value for part in parts for value in part if isinstance(value, str)]
    if is_known and strings:
        return np.array(strings, dtype=object)
    changed = [value.upper() for value in strings] + [f" {value}" for value in strings]
    return np.array([*strings * 3, *changed, *_STRINGS], dtype=object)


def _integers(
    parts: list[np.ndarray], kind: Literal["int64", "int32"], *, is_known: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return whole numbers at and next to the edges, exactly: floats would round large ones."""
    limits = np.iinfo(kind)
    known: list[int] = []
    beside: list[int] = []
    for part in parts:
        for value in part.tolist():
            if isinstance(value, str) or value is None or not np.isfinite(value):
                continue
            low, high = math.floor(value), math.ceil(value)
            known += [low] if low == high else []
            beside += [low - 1, low, high, high + 1]
    inside = [number for number in dict.fromkeys(beside) if limits.min <= number <= limits.max]
    whole = [number for number in dict.fromkeys(known) if limits.min <= number <= limits.max]
    if is_known and whole:
        return np.zeros(0, kind), np.array(whole, kind)
    small = [number for number in inside if abs(number) < 2**31] or [0]
    spread = np.linspace(min(small) - 2, max(small) + 2, 100).round()
    ordinary = np.clip(spread, -(2.0**31), 2.0**31 - 1).astype(kind)
    return np.array(inside, kind), np.concatenate([ordinary, np.array([0, 1, -1], kind)])


def _sprinkled(
    random: np.random.Generator, column: np.ndarray, kind: Kind, values: Any, share: float
) -> np.ndarray:
    chosen = random.random(len(column)) < share
    column = column.copy()
    if kind in ("float64", "float32"):
        with np.errstate(over="ignore"):
            column[chosen] = random.choice(np.array(values), chosen.sum()).astype(column.dtype)
    elif kind in ("int64", "int32") and values is _LARGE:
        limits = np.iinfo(kind)
        column[chosen] = random.choice(np.array([limits.min, limits.max], kind), chosen.sum())
    elif kind == "string" and np.isnan(values[0]):
        column[chosen] = None
    return column


def _finite(values: np.ndarray) -> np.ndarray:
    numbers = np.asarray(values).astype(np.float64)
    return numbers[np.isfinite(numbers)]


def _neighbours(values: np.ndarray) -> np.ndarray:
    """Return the values, and what is next to them in float64 and in float32, each once."""
    single: np.ndarray = values.astype(np.float32)
    up, down = np.float32(np.inf), np.float32(-np.inf)
    parts = [
        values,
        np.nextafter(values, np.inf),
        np.nextafter(values, -np.inf),
        single,
        np.nextafter(single, up),
        np.nextafter(single, down),
    ]
    return np.unique(np.concatenate([part.astype(np.float64) for part in parts]))


def _around(values: np.ndarray) -> np.ndarray:
    """Return ordinary values, from a little more than the known range."""
    low, high = values.min(), values.max()
    margin = 0.1 * (high - low) + 1.0
    return np.linspace(low - margin, high + margin, max(100, min(3 * len(values), 10_000)))
