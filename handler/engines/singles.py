"""Ops from raw numbers to predictions in float32, as XGBoost (3.2) computes them.

- `single_link`: by `name`: sigmoid, exp, double_exp (AFT's), softmax (rows x classes)
- `hinge`: 1 above zero, else 0
- `number_of_largest`: the number of each row's largest value, as float32
"""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"
import numpy as np

from handler.engines.program import Compute, Step

# XGBoost calls libm's expf. numpy's float32 exp differs from it in every third value, so this
# is glibc's (2.28, sysdeps/ieee754/flt-32/e_expf.c): 2^(k/32) from a table, the rest by a
# polynomial, in float64.
_STEPS = 32
_PER_LN2 = float.fromhex("0x1.71547652b82fep+0") * _STEPS
_CUBIC = float.fromhex("0x1.c6af84b912394p-5") / _STEPS**3
_SQUARE = float.fromhex("0x1.ebfce50fac4f3p-3") / _STEPS**2
_LINEAR = float.fromhex("0x1.62e42ff0c52d6p-1") / _STEPS
_ROOTS = 2.0 ** (np.arange(_STEPS) / _STEPS)
_LEAST, _MOST = np.float32(-104), np.float32(89)
"""Where float32's exp is 0 and infinite."""


def expf(values: np.ndarray) -> np.ndarray:
    """Return e to the power of float32 values, to the bit as glibc's expf does."""
    scaled = _PER_LN2 * np.clip(values, _LEAST, _MOST).astype(np.float64)
    whole = np.rint(scaled)
    rest, number = scaled - whole, np.nan_to_num(whole).astype(np.int64)
    power = np.ldexp(_ROOTS[number % _STEPS], number // _STEPS)
    result = (_CUBIC * rest + _SQUARE) * (rest * rest) + (_LINEAR * rest + 1)
    with np.errstate(over="ignore", under="ignore"):
        return (result * power).astype(np.float32)


def sigmoid(values: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)) for float32, as XGBoost's `common::Sigmoid` does."""
    one = np.float32(1)
    # It adds 1e-16 too, which float32 does not show beside 1.
    return one / (expf(np.minimum(-values, np.float32(88.7))) + one)


def softmax(values: np.ndarray) -> np.ndarray:
    """Return each row's softmax for float32, as XGBoost's `common::Softmax` does."""
    powers = expf(values - values.max(axis=1, keepdims=True))
    total = np.zeros(len(values))
    for column in powers.T:
        total += column
    return powers / total.astype(np.float32)[:, np.newaxis]


def _double_exp(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore"):
        return np.exp(values.astype(np.float64)).astype(np.float32)


_LINKS = {"sigmoid": sigmoid, "exp": expf, "double_exp": _double_exp, "softmax": softmax}


def _single_link(step: Step) -> Compute:
    return _LINKS[step.options["name"]]


def _hinge(step: Step) -> Compute:
    return lambda data: (data > 0).astype(np.float32)


def _number_of_largest(step: Step) -> Compute:
    return lambda data: np.argmax(data, axis=1).astype(np.float32)
