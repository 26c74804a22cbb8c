"""Ops that make a library's answer of the numbers that trees add up to.

Each takes rows x outputs, or one number a row as 1-D:

- `divide`: by the option `by`
- `multi_labels`: for each of several outputs the class of its largest number
- `ravel`: one number a row, as 1-D
- `link`: from raw numbers to predictions, by `name`
- `scaled_expit`: 1 / (1 + exp(-x * `scale`))
- `isolation`: IsolationForest's score of summed depths; `inliers`: 1 or -1 by its sign
"""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"
import math
from collections.abc import Callable

import numpy as np

from handler.engines.program import Compute, Step


def _divide(step: Step) -> Compute:
    by = step.options["by"]
    return lambda data: data / by


def _multi_labels(step: Step) -> Compute:
    """Several outputs, each with classes of its own: arrays `classes0`, `classes1`, ..."""
    classes = [step.arrays[f"classes{number}"] for number in range(len(step.arrays))]
    width = int(step.options["width"])

    def compute(data: np.ndarray) -> np.ndarray:
        predicted = np.zeros((len(data), len(classes)), classes[0].dtype)
        for number, own in enumerate(classes):
            part = data[:, number * width : number * width + len(own)]
            predicted[:, number] = own.take(np.argmax(part, axis=1), axis=0)
        return predicted

    return compute


def _ravel(step: Step) -> Compute:
    return lambda data: data.ravel()


def exp(values: np.ndarray) -> np.ndarray:
    """Return e to the power of each value as libm computes it, which C++ libraries call.

    numpy's own exp is another one on some processors, off by a last bit.

    :param values: float64, any shape.
    """
    return np.array([_exp(value) for value in values.ravel().tolist()]).reshape(values.shape)


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def expit(values: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)) as scipy.special.expit (1.17) computes it for float64."""
    return 1 / (1 + exp(-values))


def softmax(values: np.ndarray) -> np.ndarray:
    """Return each row's softmax as sklearn.utils.extmath.softmax (1.9) computes it."""
    shifted = values - np.max(values, axis=1).reshape(-1, 1)
    np.exp(shifted, out=shifted)
    shifted /= np.sum(shifted, axis=1).reshape(-1, 1)
    return shifted


def _softmax_in_order(values: np.ndarray) -> np.ndarray:
    """Each row's softmax as LightGBM's `Common::Softmax` (4.7) computes it."""
    powers = exp(values - values.max(axis=1, keepdims=True))
    total = np.zeros(len(values))
    for column in powers.T:
        total += column
    return powers / total[:, np.newaxis]


_LINKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "log": np.exp,
    "exp": exp,
    "logit": expit,
    "half_logit": lambda values: expit(2 * values),
    "multinomial_logit": softmax,
    # As HistGradientBoosting's arrays lie in memory: it changes how numpy adds.
    "multinomial_logit_by_column": lambda values: softmax(np.asfortranarray(values)),
    "softmax_in_order": _softmax_in_order,
    "signed_square": lambda values: np.sign(values) * values * values,
}


def _link(step: Step) -> Compute:
    return _LINKS[step.options["name"]]


def _scaled_expit(step: Step) -> Compute:
    scale = float(step.options["scale"])
    return lambda data: expit(scale * data)


def _isolation(step: Step) -> Compute:
    denominator, offset = step.options["denominator"], step.options["offset"]

    def compute(depths: np.ndarray) -> np.ndarray:
        mean = np.ones_like(depths) if denominator == 0 else depths / denominator
        scores = -(2.0**-mean)
        return scores if offset is None else scores - offset

    return compute


def _inliers(step: Step) -> Compute:
    return lambda data: np.where(data < 0, -1, 1)
