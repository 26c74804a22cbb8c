"""Generated rows on which a compiled model is compared with its source.

Most lie where a difference would show: at split thresholds exactly, one unit in the last place
to either side (of float64 and of float32), at zero, at the limits of the types. What many models
refuse (missing values, infinities, numbers too large for float32) comes in blocks of its own, so
that a refusal hides no other row.
"""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np

Kind = Literal["float64", "float32", "int64", "int32", "bool", "string"]
Columns = dict[str, np.ndarray]
"""A block: 1-D arrays of one length by column name; strings as objects."""

BLOCK = 1_000
_MOST_EDGES = 20_000
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
    """Yield blocks of rows: at least `count` of finite values, then the special ones.

    :param example: rows that the model is known to take, by column; None: there are none.
    :param edges: values near which predictions may jump, by the column's position.
    :param kinds: what each column holds, in the columns' order.
    """
    random = np.random.default_rng(seed)
    columns = [
        (name, kind, _some(random, edges.get(index)), None if example is None else example[name])
        for index, (name, kind) in enumerate(kinds.items())
    ]
    known = {name: _known(kind, edge, given) for name, kind, edge, given in columns}
    pools = {name: _pool(kind, edge, given) for name, kind, edge, given in columns}
    has_categories = any(kind in _MAY_BE_CATEGORIES for kind in kinds.values())
    # One unknown category may be enough to have a whole block refused: there are blocks without.
    for chosen, wanted in ((pools, count // (1 + has_categories)), (known, count * has_categories)):
        for start in range(0, wanted, BLOCK):
            rows = min(BLOCK, wanted - start)
            yield {name: _draw(random, chosen[name], kind, rows) for name, kind in kinds.items()}
    for rows in (1, 2, 7):
        yield {name: _draw(random, pools[name], kind, rows) for name, kind in kinds.items()}
    yield from _special_blocks(random, known, kinds)


def _some(random: np.random.Generator, edges: np.ndarray | None) -> np.ndarray | None:
    # A large forest has millions of thresholds: more than there will be rows.
    if edges is None or len(edges) <= _MOST_EDGES:
        return edges
    return random.choice(edges, _MOST_EDGES, replace=False)


def as_array(block: Columns) -> np.ndarray:
    """Return the block as rows x columns, in the common dtype of its columns."""
    return np.column_stack(list(block.values()))


def _special_blocks(
    random: np.random.Generator, pools: Mapping[str, np.ndarray], kinds: Mapping[str, Kind]
) -> Iterator[Columns]:
    specials: tuple[tuple[float, ...], ...] = (
        (np.nan,),
        (np.inf,),
        (-np.inf,),
        _BEYOND_FLOAT32,
        (np.nan, np.inf, -np.inf, *_BEYOND_FLOAT32),
    )
    for values in specials:
        for rows, share in ((_SPECIAL_ROWS, 0.1), (_SPECIAL_ROWS, 0.7), (1, 0.3), (1, 1.0)):
            block = {name: _draw(random, pools[name], kind, rows) for name, kind in kinds.items()}
            for name, kind in kinds.items():
                block[name] = _sprinkled(random, block[name], kind, values, share)
            yield block


def _sprinkled(
    random: np.random.Generator, column: np.ndarray, kind: Kind, values: Any, share: float
) -> np.ndarray:
    chosen = random.random(len(column)) < share
    column = column.copy()
    if kind in ("float64", "float32"):
        with np.errstate(over="ignore"):
            column[chosen] = random.choice(np.array(values), chosen.sum()).astype(column.dtype)
    elif kind == "string" and np.isnan(values[0]):
        column[chosen] = None
    return column


def _draw(random: np.random.Generator, pool: np.ndarray, kind: Kind, rows: int) -> np.ndarray:
    chosen = pool[random.integers(0, len(pool), rows)]
    if kind not in ("float64", "float32"):
        return chosen
    # A third lies between two values of the pool.
    between = random.random(rows) < 1 / 3
    other = pool[random.integers(0, len(pool), rows)]
    weight = random.random(rows)
    mixed = chosen * weight + other * (1 - weight)
    return np.where(between, mixed, chosen).astype(kind)


def _pool(kind: Kind, edges: np.ndarray | None, example: np.ndarray | None) -> np.ndarray:
    """Return values to draw from, those at the edges about half of them."""
    if kind == "bool":
        return np.array([False, True])
    if kind == "string":
        known = [value for part in (edges, example) if part is not None for value in part]
        strings = [value for value in known if isinstance(value, str)]
        changed = [value.upper() for value in strings] + [f" {value}" for value in strings]
        return np.array([*strings * 3, *changed, *_STRINGS], dtype=object)
    near = [part for part in (_numbers(edges), _numbers(example)) if len(part)]
    values = np.concatenate(near) if near else np.zeros(1)
    if kind in ("int64", "int32"):
        return _integers(values, kind)
    with np.errstate(over="ignore", under="ignore"):
        pool = np.concatenate([_neighbours(values), _around(values)]).astype(kind)
    return pool[np.isfinite(pool) & (np.abs(pool) <= _LARGEST)]


def _known(kind: Kind, edges: np.ndarray | None, example: np.ndarray | None) -> np.ndarray:
    """Return strings and integers that the model is known to take; floats as ever."""
    parts = [part for part in (edges, example) if part is not None and len(part)]
    if kind == "string":
        strings = [value for part in parts for value in part if isinstance(value, str)]
        if strings:
            return np.array(strings, dtype=object)
    if kind in ("int64", "int32") and parts:
        numbers = np.concatenate([_numbers(part) for part in parts])
        limits = np.iinfo(kind)
        whole = numbers[(numbers == np.floor(numbers)) & (np.abs(numbers) < limits.max)]
        if len(whole):
            return whole.astype(kind)
    return _pool(kind, edges, example)


def _numbers(values: np.ndarray | None) -> np.ndarray:
    if values is None:
        return np.zeros(0)
    numbers = np.asarray(values).astype(np.float64)
    return numbers[np.isfinite(numbers)]


def _neighbours(values: np.ndarray) -> np.ndarray:
    """Return the values, and what is next to them in float64 and in float32."""
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
    return np.concatenate([part.astype(np.float64) for part in parts])


def _around(values: np.ndarray) -> np.ndarray:
    """Return as many ordinary values, from a little more than the known range, and extremes."""
    low, high = values.min(), values.max()
    margin = 0.1 * (high - low) + 1.0
    spread = np.linspace(low - margin, high + margin, max(100, 3 * len(values)))
    extremes: np.ndarray = np.repeat(np.array([*_SMALL, *_LARGE]), 1 + len(values) // 50)
    return np.concatenate([spread, extremes])


def _integers(values: np.ndarray, kind: Literal["int64", "int32"]) -> np.ndarray:
    limits = np.iinfo(kind)
    whole = np.concatenate([np.floor(values), np.ceil(values), values + 1, values - 1])
    low, high = (
        float(limits.min),
        float(np.nextafter(limits.max, 0) if kind == "int64" else limits.max),
    )
    pool = np.clip(whole, low, high).astype(kind)
    spread = _around(np.clip(values, -1e9, 1e9))
    spread = np.clip(spread, -(2.0**31), 2.0**31 - 1).astype(kind)
    extremes: np.ndarray = np.repeat(
        np.array([limits.min, limits.max, 0, 1, -1], kind), 1 + len(values) // 50
    )
    return np.concatenate([pool, pool, spread, extremes])
