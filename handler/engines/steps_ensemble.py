"""Steps that put together what several models say of the same rows; the models are the chains."""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

from collections.abc import Callable

import numpy as np

from handler.engines.checks import refuse_special
from handler.engines.program import Compute, Step
from handler.engines.steps_tables import as_matrix


def _average(step: Step) -> Compute:
    # The mean, weighted by the array `weights` if there is one.
    chains, weights = step.chains, step.arrays.get("weights")
    return lambda data: np.average([chain(data) for chain in chains], axis=0, weights=weights)


def _average_rows(step: Step) -> Compute:
    # The same over rows of n estimates: numpy sums in another order.
    chains, weights = step.chains, step.arrays.get("weights")
    return lambda data: np.average(_side_by_side(chains, data), axis=1, weights=weights)


def _sum_mean(step: Step) -> Compute:
    # The sum, one after the other, by the number; array `columns_n`: features of the n-th.
    features = [step.arrays.get(str(index)) for index in range(len(step.chains))]
    parts = list(zip(step.chains, features, strict=True))

    def sum_mean(data: np.ndarray) -> np.ndarray:
        total = sum(chain(data if chosen is None else data[:, chosen]) for chain, chosen in parts)
        return total / len(parts)

    return sum_mean


def _vote(step: Step) -> Compute:
    # The class named most often, the first of several; chains answer with its number.
    chains, weights = step.chains, step.arrays.get("weights")
    classes = step.arrays["classes"]
    each = np.ones(len(chains)) if weights is None else weights

    def vote(data: np.ndarray) -> np.ndarray:
        votes = np.zeros((len(as_matrix(data)), len(classes)))
        rows = np.arange(len(votes))
        for chain, weight in zip(chains, each, strict=True):
            votes[rows, chain(data)] += weight
        return classes.take(votes.argmax(axis=1), axis=0)

    return vote


def _side_by_side(chains: tuple[Compute, ...], data: np.ndarray) -> np.ndarray:
    return np.asarray([chain(data) for chain in chains]).T


def _outputs(step: Step) -> Compute:
    # Each chain's 1-D answer as a column.
    chains = step.chains
    return lambda data: _side_by_side(chains, data)


def _stack(step: Step) -> Compute:
    # Each chain's answer as columns, 1-D ones too; the data itself after them if the option
    # `is_passthrough` says so. Option `skipped`: how many of each chain's columns are left out.
    parts = list(zip(step.chains, step.options["skipped"], strict=True))
    is_passthrough = bool(step.options["is_passthrough"])

    def stack(data: np.ndarray) -> np.ndarray:
        columns = []
        for chain, skipped in parts:
            answer = chain(data)
            columns.append(answer.reshape(-1, 1) if answer.ndim == 1 else answer[:, skipped:])
        if is_passthrough:
            columns.append(as_matrix(data))
        return np.hstack(columns)

    return stack


def _boost(step: Step) -> Compute:
    # AdaBoost's decision function. Arrays: `weights` (chains), `total`, `classes`.
    chains, weights = step.chains, step.arrays["weights"]
    total = step.arrays["total"][()]
    classes = step.arrays["classes"][:, np.newaxis]
    others = -1 / (len(classes) - 1) if len(classes) > 1 else 0.0

    def boost(data: np.ndarray) -> np.ndarray:
        scores = sum(
            np.where((chain(data) == classes).T, weight, others * weight)
            for chain, weight in zip(chains, weights, strict=True)
        )
        scores = np.asarray(scores / total)
        if len(classes) == 2:
            scores[:, 0] *= -1
            return scores.sum(axis=1)
        return scores

    return boost


def _median(step: Step) -> Compute:
    # The median of the answers, weighted by the array `weights`.
    chains, weights = step.chains, step.arrays["weights"]

    def median(data: np.ndarray) -> np.ndarray:
        answers = _side_by_side(chains, data)
        order = np.argsort(answers, axis=1)
        reached = np.cumsum(weights[order], axis=1)
        place = (reached >= 0.5 * reached[:, -1][:, np.newaxis]).argmax(axis=1)
        rows = np.arange(len(answers))
        return answers[rows, order[rows, place]]

    return median


def _calibrate(step: Step) -> Compute:
    # Calibrated probabilities, from the only chain's scores.
    #
    # Options: `kinds`, for each score `sigmoid` or `isotonic`; `columns`, the class of each;
    # `classes`, how many. Arrays: `slope_n` and `offset_n`, or `x_n` and `y_n`.
    chain = step.chains[0]
    kinds, columns = step.options["kinds"], step.options["columns"]
    count = int(step.options["classes"])
    curves = [_curve(step, kind, str(index)) for index, kind in enumerate(kinds)]

    def calibrate(data: np.ndarray) -> np.ndarray:
        scores = chain(data)
        scores = scores.reshape(-1, 1) if scores.ndim == 1 else scores
        result = np.zeros((len(scores), count))
        for score, column, curve in zip(scores.T, columns, curves, strict=True):
            result[:, column] = curve(score)
        if count == 2:
            result[:, 0] = 1.0 - result[:, 1]
        else:
            total = result.sum(axis=1)[:, np.newaxis]
            even = np.full_like(result, 1 / count)
            result = np.divide(result, total, out=even, where=total != 0)
        result[(result > 1.0) & (result <= 1.0 + 1e-5)] = 1.0
        return result

    return calibrate


def _curve(step: Step, kind: str, index: str) -> Callable[[np.ndarray], np.ndarray]:
    if kind == "sigmoid":
        slope, offset = step.arrays[f"slope_{index}"][()], step.arrays[f"offset_{index}"][()]

        def sigmoid(score: np.ndarray) -> np.ndarray:
            with np.errstate(all="ignore"):
                return 1.0 / (1.0 + np.exp(slope * score + offset))

        return sigmoid
    x, y = step.arrays[f"x_{index}"], step.arrays[f"y_{index}"]

    def isotonic(score: np.ndarray) -> np.ndarray:
        refuse_special(score, allow_nan=False)
        known = np.clip(score.astype(x.dtype), x[0], x[-1])
        return np.interp(known, x, y).astype(x.dtype)

    return isotonic
