"""The op `check`: what scikit-learn's `check_array` (1.9) casts and refuses.

Options: `dtype`, a name or a list of names of which the first is cast to when the data has none
of them, or `numeric`: as it comes; `allow_nan`; `allow_infinity`, false when left out;
`features`, the number of columns; `allow_empty`, no rows, false when left out.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from handler.engines.program import Compute, Step

_NUMERIC = "numeric"


def _check(step: Step) -> Compute:
    cast = _cast(step.options["dtype"])
    features = int(step.options["features"])
    allow_nan = bool(step.options["allow_nan"])
    allow_infinity = bool(step.options.get("allow_infinity", False))
    least_rows = 0 if step.options.get("allow_empty", False) else 1

    def check(data: Any) -> np.ndarray:
        # What overflows becomes infinite, and is refused for that.
        with np.errstate(over="ignore", invalid="ignore"):
            array = cast(np.asarray(data))
        if array.ndim != 2:
            raise ValueError(f"Expected 2D array, got {array.ndim}D array instead")
        if len(array) < least_rows:
            raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
        if array.shape[1] != features:
            raise ValueError(f"X has {array.shape[1]} features, but {features} are expected")
        if array.dtype.kind == "f":
            refuse_special(array, allow_nan=allow_nan, allow_infinity=allow_infinity)
        return array

    return check


def _cast(wanted: str | list[str]) -> Callable[[np.ndarray], np.ndarray]:
    names = [wanted] if isinstance(wanted, str) else wanted
    target = np.dtype("float64" if wanted == _NUMERIC else names[0])
    accepted = [] if wanted == _NUMERIC else [np.dtype(name) for name in names]

    def cast(array: np.ndarray) -> np.ndarray:
        if array.dtype.kind in "cmM":
            raise ValueError(f"data of {array.dtype} is not supported")
        if wanted == _NUMERIC:
            if array.dtype.kind in "USV":
                raise ValueError("dtype='numeric' is not compatible with arrays of bytes/strings.")
            return array.astype(target) if array.dtype.kind == "O" else array
        return array if array.dtype in accepted else array.astype(target)

    return cast


def refuse_special(array: np.ndarray, *, allow_nan: bool, allow_infinity: bool = False) -> None:
    """Raise where the values are not what the model takes.

    :param array: floating point, any shape.
    :raises ValueError: it holds an infinity that is not allowed, or NaN that is not.
    """
    if allow_nan and allow_infinity:
        return
    # One pass and no memory where all is finite, as nearly always. The sum itself may overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum()):
            return
    if not allow_infinity and np.isinf(array).any():
        raise ValueError(
            f"Input X contains infinity or a value too large for dtype({array.dtype.name!r})."
        )
    if not allow_nan and np.isnan(array).any():
        raise ValueError("Input X contains NaN.")
