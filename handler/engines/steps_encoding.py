"""Steps that encode categories, as scikit-learn's OneHotEncoder and OrdinalEncoder do.

Each column has a spec: `values` (a list of strings, or the name of an array of sorted numbers),
`nan` and `none` (the codes of missing values that are categories, or null), `unknown` (the code
of whatever is not a category; -1: it has none; null: it is refused), `codes` (what each category
becomes, where some are grouped; null: its number).
"""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

from collections.abc import Callable
from typing import Any

import numpy as np

from handler.engines.checks import refuse_special
from handler.engines.program import Compute, Step
from handler.engines.steps_tables import columns_of

Encode = Callable[[np.ndarray], np.ndarray]
"""From a column to its codes; -1 where the value is no category."""


def _encoders(step: Step) -> list[Encode]:
    return [_encoder(spec, step) for spec in step.options["columns"]]


def _encoder(spec: dict[str, Any], step: Step) -> Encode:
    find = (
        _find_objects(spec)
        if isinstance(spec["values"], list)
        else _find_numbers(spec, step.arrays[spec["values"]])
    )
    unknown, codes = spec["unknown"], spec["codes"]
    mapping = None if codes is None else np.array([*codes, -1])

    def encode(column: np.ndarray) -> np.ndarray:
        found = find(column)
        known = found if mapping is None else mapping[found]
        if unknown == -1:
            return known
        is_unknown = found < 0
        if is_unknown.any():
            if unknown is None:
                raise ValueError("Found unknown categories during transform")
            known = np.where(is_unknown, unknown, known)
        return known

    return encode


def _find_objects(spec: dict[str, Any]) -> Encode:
    numbers = {value: number for number, value in enumerate(spec["values"])}
    none = -1 if spec["none"] is None else spec["none"]
    nan = -1 if spec["nan"] is None else spec["nan"]

    def number(value: Any) -> int:
        if value is None:
            return none
        # Only NaN differs from itself.
        return numbers.get(value, -1) if value == value else nan

    def find(column: np.ndarray) -> np.ndarray:
        return np.fromiter(map(number, column.tolist()), np.int64, len(column))

    return find


def _find_numbers(spec: dict[str, Any], values: np.ndarray) -> Encode:
    nan = spec["nan"]
    last = len(values) - 1

    def find(column: np.ndarray) -> np.ndarray:
        if column.dtype.kind not in "biuf":
            raise ValueError(f"Found unknown categories of type {column.dtype} during transform")
        if column.dtype.kind == "f":
            refuse_special(column, allow_nan=True)
        place = np.minimum(np.searchsorted(values, column), last)
        found = np.where(values[place] == column, place, -1)
        if nan is not None and column.dtype.kind == "f":
            found = np.where(np.isnan(column), nan, found)
        return found

    return find


def _one_hot(step: Step) -> Compute:
    # Options: `columns`, specs; `dropped`, for each the code without a column, or null;
    # `widths`, how many columns each gets; `dtype`, null for that of the data.
    encoders = _encoders(step)
    dropped, dtype = step.options["dropped"], step.options["dtype"]
    widths = step.options["widths"]
    starts = [sum(widths[:index]) for index in range(len(widths))]
    plans = list(zip(encoders, dropped, starts, strict=True))

    def one_hot(data: Any) -> np.ndarray:
        columns = columns_of(data)
        rows = np.arange(len(columns[0]))
        result = np.zeros((len(rows), sum(widths)), dtype or columns[0].dtype)
        for column, (encode, drop, start) in zip(columns, plans, strict=True):
            codes = encode(column)
            shown = codes >= 0
            if drop is not None:
                shown &= codes != drop
                codes = codes - (codes > drop)
            result[rows[shown], start + codes[shown]] = 1
        return result

    return one_hot


def _ordinal(step: Step) -> Compute:
    # Options: `columns`, specs; `missing`, for each a code and the array's number of the value
    # it becomes, or null; `dtype`. Arrays: `unknown`, what an unknown category becomes.
    encoders = _encoders(step)
    dtype = np.dtype(step.options["dtype"])
    missing = step.options["missing"]
    unknown, missing_value = step.arrays["unknown"], step.arrays["missing_value"]

    def ordinal(data: Any) -> np.ndarray:
        columns = columns_of(data)
        result = np.empty((len(columns[0]), len(columns)), dtype)
        for index, (column, encode) in enumerate(zip(columns, encoders, strict=True)):
            codes = encode(column)
            result[:, index] = codes
            if missing[index] is not None:
                result[codes == missing[index], index] = missing_value
            is_unknown = codes < 0
            if is_unknown.any():
                result[is_unknown, index] = unknown
        return result

    return ordinal


def _target(step: Step) -> Compute:
    # Options: `columns`, specs; `outputs`, which column each output encodes. Arrays: the n-th
    # output's value for each category, and last for unknown ones, as `means_n`.
    encoders, outputs = _encoders(step), step.options["outputs"]
    means = [step.arrays[f"means_{index}"] for index in range(len(outputs))]

    def target(data: Any) -> np.ndarray:
        columns = zip(columns_of(data), encoders, strict=True)
        codes = [encode(column) for column, encode in columns]
        pairs = zip(means, outputs, strict=True)
        return np.column_stack([values[codes[column]] for values, column in pairs])

    return target
