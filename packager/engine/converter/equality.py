"""Compare two predictions for the same rows, as strictly as the default engine choice is."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


class DifferentError(Exception):
    """The predictions are not the same; says how."""


@dataclass(frozen=True)
class Outcome:
    """What a model made of rows: predictions, or the exception that it raised."""

    predictions: Any
    error: Exception | None

    @classmethod
    def of(cls, predict: Callable[[Any], Any], data: Any) -> "Outcome":
        """Return what comes of predicting."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # generated rows are odd, and are meant to be
            try:
                return cls(predict(data), None)
            except Exception as error:  # whatever a library raises is its answer
                return cls(None, error)


def difference(expected: Outcome, actual: Outcome, tolerance: float) -> float:
    """Return the largest difference between two predictions: absolute below 1, relative above.

    :param tolerance: for floats. Labels, shapes and dtypes must be equal, and what one refuses
        the other must refuse.
    :raises DifferentError: they differ by more.
    """
    if expected.error is not None or actual.error is not None:
        if expected.error is None:
            raise DifferentError(f"it refuses rows that the model takes: {actual.error}")
        if actual.error is None:
            raise DifferentError(f"it takes rows that the model refuses: {expected.error}")
        return 0.0
    wanted, found = expected.predictions, actual.predictions
    if not isinstance(wanted, np.ndarray):
        raise DifferentError(f"the model predicts a {type(wanted).__name__}, no array")
    if not isinstance(found, np.ndarray):
        raise DifferentError(f"it predicts a {type(found).__name__}, no array")
    if wanted.shape != found.shape or wanted.dtype != found.dtype:
        raise DifferentError(
            f"it predicts {found.dtype}{list(found.shape)},"
            f" the model {wanted.dtype}{list(wanted.shape)}"
        )
    if wanted.dtype.kind != "f":
        count = int(np.sum(wanted != found))
        if count:
            raise DifferentError(f"{count} of {wanted.size} labels differ")
        return 0.0
    return _float_difference(wanted, found, tolerance)


def _float_difference(
    wanted: "np.ndarray[Any, Any]", found: "np.ndarray[Any, Any]", tolerance: float
) -> float:
    same = (wanted == found) | (np.isnan(wanted) & np.isnan(found))
    if same.all():
        return 0.0
    # How far beyond the largest number a sum comes depends on the order of adding.
    limit = np.finfo(wanted.dtype).max
    wanted, found = (np.clip(values[~same], -limit, limit) for values in (wanted, found))
    if not (np.isfinite(wanted) & np.isfinite(found)).all():
        raise DifferentError("predictions differ where one of them is no finite number")
    with np.errstate(over="ignore"):
        distance = np.abs(wanted - found) / np.maximum(1.0, np.abs(wanted))
    largest = float(np.max(distance))
    if largest > tolerance:
        raise DifferentError(f"predictions differ by up to {largest:.3g}")
    return largest
