"""Steps for missing values: filling them, and saying where they were."""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

from collections.abc import Callable
from typing import Any

import numpy as np

from handler.engines.checks import refuse_special
from handler.engines.program import Compute, Step
from handler.engines.steps_tables import as_matrix


def _objects(step: Step) -> Compute:
    # Cast and refuse as imputers do: scikit-learn's `check_array` with a dtype of theirs.
    #
    # Options: `is_object`, whether the imputer was fitted on objects; `is_numeric`, whether it
    # casts to floating point; `allow_nan`.
    is_object, is_numeric = bool(step.options["is_object"]), bool(step.options["is_numeric"])
    allow_nan = bool(step.options["allow_nan"])

    def objects(data: Any) -> np.ndarray:
        data = as_matrix(data)
        if is_object:
            return data.astype(object)
        if is_numeric and data.dtype not in (np.float64, np.float32):
            data = data.astype(np.float64)
        if data.dtype.kind not in "iufO":
            raise ValueError(f"data of {data.dtype} is not supported")
        if data.dtype.kind == "f":
            refuse_special(data, allow_nan=allow_nan)
        return data

    return objects


def _impute(step: Step) -> Compute:
    # Options: `missing`, null for NaN; `kept`, positions of the columns that stay;
    # `indicated`, positions of those with an indicator, or null; `fill`, values for the columns
    # that stay; `fill_dtype`.
    is_missing = _mask(step.options["missing"])
    kept, indicated = step.options["kept"], step.options["indicated"]
    fill = np.array(step.options["fill"], dtype=step.options["fill_dtype"])

    def impute(data: np.ndarray) -> np.ndarray:
        mask = is_missing(data)
        part, missing = data[:, kept], mask[:, kept]
        if not np.can_cast(fill.dtype, part.dtype, "same_kind"):
            raise ValueError(f"{fill.dtype} cannot be cast to the input data that is {part.dtype}")
        if missing.any():
            part[missing] = np.broadcast_to(fill, part.shape)[missing]
        return part if indicated is None else np.hstack((part, mask[:, indicated]))

    return impute


def _indicate(step: Step) -> Compute:
    # Options: `missing`, null for NaN; `columns`, positions; `refused`, positions of columns
    # in which nothing may be missing.
    is_missing = _mask(step.options["missing"])
    columns, refused = step.options["columns"], step.options["refused"]

    def indicate(data: np.ndarray) -> np.ndarray:
        mask = is_missing(data)
        if refused and mask[:, refused].any():
            raise ValueError(
                "The features have missing values in transform but have no missing values in fit."
            )
        return mask[:, columns]

    return indicate


def _mask(missing: Any) -> Callable[[np.ndarray], np.ndarray]:
    if missing is None:
        # NaN alone is not equal to itself, among objects too.
        return lambda data: data != data
    if missing == "None":
        return lambda data: np.equal(data, None)
    value = missing["value"]
    return lambda data: data == value
