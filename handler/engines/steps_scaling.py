"""Steps that change the numbers of a matrix column by column, as scikit-learn's scalers do."""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from handler.engines.program import Compute, Step


def _arithmetic(step: Step) -> Compute:
    # Options: `do`, names of numpy's binary functions, in order; the second operand of the
    # n-th is the array `n`. `is_cast`: it is cast to the data's dtype first.
    #
    # The result has the dtype of the data, as that of an in-place operation.
    functions = [getattr(np, name) for name in step.options["do"]]
    operands = [step.arrays[str(index)] for index in range(len(functions))]
    is_cast = bool(step.options.get("is_cast", False))
    steps = list(zip(functions, operands, strict=True))

    def arithmetic(data: np.ndarray) -> np.ndarray:
        result = np.empty_like(data)
        with np.errstate(all="ignore"):
            for function, operand in steps:
                other = operand.astype(data.dtype, copy=False) if is_cast else operand
                data = function(data, other, out=result)
        return data

    return arithmetic


def _clip(step: Step) -> Compute:
    low, high = float(step.options["low"]), float(step.options["high"])

    def clip(data: np.ndarray) -> np.ndarray:
        kind = data.dtype.type
        return np.clip(data, kind(low), kind(high))

    return clip


def _normalize(step: Step) -> Compute:
    norms = _NORMS[step.options["norm"]]

    def normalize(data: np.ndarray) -> np.ndarray:
        # Integers are divided in place by scikit-learn, which fails there too.
        with np.errstate(all="ignore"):
            scale = norms(data)
            # What scikit-learn takes for zero: less than ten units in the last place of one.
            scale[scale < 10 * np.finfo(scale.dtype).eps] = 1.0
            return data / scale[:, None]

    return normalize


_NORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "l1": lambda data: np.abs(data).sum(axis=1),
    "l2": lambda data: np.sqrt(np.einsum("ij,ij->i", data, data)),
    "max": lambda data: np.abs(data).max(axis=1),
}


def _binarize(step: Step) -> Compute:
    threshold = step.options["threshold"]
    return lambda data: (data > threshold).astype(data.dtype)


def _polynomial(step: Step) -> Compute:
    # Options: `degrees`, the least and the largest; `has_bias`; `is_interaction`.
    #
    # The products are made in scikit-learn's order: each of the degree before, by one more column.
    least, largest = step.options["degrees"]
    has_bias = bool(step.options["has_bias"])
    is_interaction = bool(step.options["is_interaction"])

    def polynomial(data: np.ndarray) -> np.ndarray:
        parts = [np.ones((len(data), 1), data.dtype)] if has_bias else []
        degree, starts = data, list(range(data.shape[1] + 1))
        for number in range(1, largest + 1):
            if number > 1:
                degree, starts = _next_degree(data, degree, starts, is_interaction)
            if number >= least:
                parts.append(degree)
        return np.hstack(parts)

    return polynomial


def _next_degree(
    data: np.ndarray, degree: np.ndarray, starts: list[int], is_interaction: bool
) -> tuple[np.ndarray, list[int]]:
    """Return the next degree's products, and where those that begin with each column start."""
    parts, next_starts = [np.empty((len(data), 0), data.dtype)], [0]
    for column, (start, after) in enumerate(pairwise(starts)):
        with np.errstate(all="ignore"):
            part = degree[:, after if is_interaction else start :] * data[:, column, None]
        parts.append(part)
        next_starts.append(next_starts[-1] + part.shape[1])
    return np.hstack(parts), next_starts


def _power(step: Step) -> Compute:
    # Options: `method`; array `lambdas`, one for each column.
    transform = {"yeo-johnson": _yeo_johnson, "box-cox": _box_cox}[step.options["method"]]
    is_positive = step.options["method"] == "box-cox"
    lambdas = step.arrays["lambdas"]

    def power(data: np.ndarray) -> np.ndarray:
        if is_positive and (data <= 0).any():
            raise ValueError(
                "The Box-Cox transformation can only be applied to strictly positive data"
            )
        result = np.empty_like(data)
        with np.errstate(all="ignore"):
            for index, each in enumerate(lambdas):
                result[:, index] = transform(data[:, index], each)
        return result

    return power


def _yeo_johnson(x: np.ndarray, power: float) -> np.ndarray:
    epsilon = np.finfo(x.dtype).eps
    is_positive = x >= 0
    grown = np.log1p(np.where(is_positive, x, -x))
    other = 2 - power
    upper = grown if abs(power) < epsilon else np.expm1(power * grown) / power
    lower = -np.expm1(other * grown) / other if abs(power - 2) > epsilon else -grown
    return np.where(is_positive, upper, lower)


def _box_cox(x: np.ndarray, power: float) -> np.ndarray:
    # What scipy.special.boxcox computes, in double precision always, with its limit near zero.
    logarithm = np.log(x.astype(np.float64))
    if abs(power) < 1e-19:
        return logarithm
    return np.expm1(power * logarithm) / power


def _bins(step: Step) -> Compute:
    # Arrays: the inner edges of the n-th column's bins as `n`.
    edges = [step.arrays[str(index)] for index in range(len(step.arrays))]

    def bins(data: np.ndarray) -> np.ndarray:
        result = np.empty_like(data)
        for index, inner in enumerate(edges):
            result[:, index] = np.searchsorted(inner, data[:, index], side="right")
        return result

    return bins


def _elementwise(step: Step) -> Compute:
    # Options: `do`, names of numpy's unary functions, in order.
    functions = [getattr(np, name) for name in step.options["do"]]

    def elementwise(data: Any) -> Any:
        with np.errstate(all="ignore"):
            for function in functions:
                data = function(data)
        return data

    return elementwise


def _absent(step: Step) -> Compute:
    # Make zeros missing: what XGBoost takes the zeros of a sparse matrix for.
    return lambda data: np.where(data == 0, np.array(np.nan, data.dtype), data)
