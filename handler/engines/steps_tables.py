"""Steps on tables: dicts of columns, and the matrices that are made of them.

A program whose columns differ in type begins with a dict of 1-D arrays by name. What computes
with matrices sees the columns' common dtype, as `check_array` of scikit-learn gives it.
"""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

from typing import Any

import numpy as np

from handler.engines.program import Compute, Step

Table = dict[str, np.ndarray]


def as_matrix(data: "np.ndarray | Table") -> np.ndarray:
    """Return a table as rows x columns; anything else as it is.

    The dtype is the columns' common one, object where one of them holds objects.
    """
    if not isinstance(data, dict):
        return data
    columns = list(data.values())
    is_numeric = all(column.dtype.kind in "biuf" for column in columns)
    dtype = np.result_type(*columns) if is_numeric else object
    # A row for each column, transposed: the layout of a DataFrame of one dtype.
    rows: np.ndarray = np.empty((len(columns), len(columns[0])), dtype)
    for row, column in zip(rows, columns, strict=True):
        row[:] = column
    return rows.T


def columns_of(data: "np.ndarray | Table") -> list[np.ndarray]:
    """Return the columns of a table or of a 2-D array, each with its own dtype."""
    return list(data.values()) if isinstance(data, dict) else list(data.T)


def _matrix(step: Step) -> Compute:
    return as_matrix


def _pick(step: Step) -> Compute:
    # Options: `positions`; `names`, or null where the table is counted too.
    names, positions = step.options["names"], step.options["positions"]

    def pick(data: Any) -> Any:
        if not isinstance(data, dict):
            return data[:, positions]
        keys = names
        if keys is None:
            every = list(data)
            keys = [every[position] for position in positions]
        return {key: data[key] for key in keys}

    return pick


def _join(step: Step) -> Compute:
    # Put what the chains return side by side; `is_numeric`: as numbers, whatever it was.
    #
    # The array `weights`, if there is one, multiplies each chain's part; NaN: it has none.
    chains = step.chains
    is_numeric = bool(step.options["is_numeric"])
    given = step.arrays.get("weights")
    weights = [None] * len(chains)
    if given is not None:
        weights = [None if weight != weight else weight for weight in given.tolist()]

    def join(data: Any) -> np.ndarray:
        parts = []
        for chain, weight in zip(chains, weights, strict=True):
            part = as_matrix(chain(data))
            if is_numeric and part.dtype.kind == "O":
                part = part.astype(np.float64)
            parts.append(part if weight is None else part * weight)
        return np.hstack(parts)

    return join
