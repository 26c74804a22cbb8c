"""Steps from scores to labels and probabilities, and from those of a class to those of all."""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

import numpy as np

from handler.engines.links import expit, softmax
from handler.engines.program import Compute, Step


def _labels(step: Step) -> Compute:
    # Array: `classes`. The second class where a score is above the option `threshold`, or the
    # class of the largest of several scores: of equal ones the last if the option `is_last` says
    # so.
    classes = step.arrays["classes"]
    threshold = float(step.options.get("threshold", 0.0))
    is_last = bool(step.options.get("is_last", False))

    def labels(scores: np.ndarray) -> np.ndarray:
        if scores.ndim == 1:
            return classes.take((scores > threshold).astype(np.int64), axis=0)
        if is_last:
            return classes.take(scores.shape[1] - 1 - scores[:, ::-1].argmax(axis=1), axis=0)
        return classes.take(scores.argmax(axis=1), axis=0)

    return labels


def _decode(step: Step) -> Compute:
    # From a class's number to the class. Array: `classes`.
    classes = step.arrays["classes"]
    return lambda numbers: classes.take(numbers, axis=0)


def _at_least(step: Step) -> Compute:
    # Array: `classes` in the order below, above. Option: `threshold`.
    classes, threshold = step.arrays["classes"], float(step.options["threshold"])
    return lambda scores: classes.take((scores >= threshold).astype(np.int64), axis=0)


def _expit(step: Step) -> Compute:
    return expit


def _softmax(step: Step) -> Compute:
    def quiet(scores: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):  # for infinite scores
            return softmax(scores)

    return quiet


def _pair(step: Step) -> Compute:
    # From the second class's probability to both.
    return lambda positive: np.stack([1 - positive, positive], axis=1)


def _mirror(step: Step) -> Compute:
    # From one score to those of both classes, divided by the option `divisor`.
    divisor = step.options["divisor"]
    return lambda scores: np.stack([-scores, scores], axis=1) / divisor


def _shares(step: Step) -> Compute:
    # From one-against-the-rest probabilities to shares of their sum.
    #
    # Option `empty`: the shares where the sum is 0, `even`, `zero` or `nan`.
    empty = step.options["empty"]

    def shares(parts: np.ndarray) -> np.ndarray:
        total = parts.sum(axis=1)
        is_zero = total == 0
        if empty != "nan" and is_zero.any():
            total[is_zero] = parts.shape[1]
            if empty == "even":
                parts = np.where(is_zero[:, None], np.ones((), parts.dtype), parts)
        with np.errstate(all="ignore"):
            return parts / total[:, None]

    return shares


def _column(step: Step) -> Compute:
    # One column of a matrix: the option `index`.
    index = int(step.options["index"])
    return lambda data: data[:, index]


def _reshape(step: Step) -> Compute:
    # Give the result the option `shape`, one length of which is -1.
    shape = tuple(step.options["shape"])
    return lambda data: data.reshape(shape)


def _log_shares(step: Step) -> Compute:
    # Logarithms of each row's shares, from joint log-likelihoods.
    return lambda joint: joint - _log_sum(joint)[:, None]


def _log_sum(joint: np.ndarray) -> np.ndarray:
    # The way of scipy.special.logsumexp: the largest apart, for the last digits.
    with np.errstate(all="ignore"):
        largest = joint.max(axis=1, keepdims=True)
        is_largest = joint == largest
        count = is_largest.sum(axis=1, keepdims=True, dtype=joint.dtype)
        shift = np.where(np.isfinite(largest), largest, 0)
        rest = np.exp(np.where(is_largest, -np.inf, joint) - shift).sum(axis=1, keepdims=True)
        rest = np.where(rest == 0, rest, rest / count)
        return (np.log1p(rest) + np.log(count) + largest)[:, 0]


def _difference(step: Step) -> Compute:
    # The second column less the first.
    return lambda scores: scores[:, 1] - scores[:, 0]


def _log_softmax(step: Step) -> Compute:
    def log_softmax(scores: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            shifted = scores - scores.max(axis=1)[:, None]
            return shifted - np.log(np.exp(shifted).sum(axis=1)[:, None])

    return log_softmax


def _constant(step: Step) -> Compute:
    # The array `value` for each row, whatever is in it; 1-D if the option `is_flat` says so.
    value = step.arrays["value"]
    is_flat = bool(step.options["is_flat"])

    def constant(data: np.ndarray) -> np.ndarray:
        rows = len(next(iter(data.values()))) if isinstance(data, dict) else len(data)
        tiled = np.tile(value, (rows, 1))
        return tiled.ravel() if is_flat else tiled

    return constant
