"""The step that maps columns to the quantiles that they are: scikit-learn's QuantileTransformer."""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

import numpy as np

from handler.engines.program import Compute, Step

_MARGIN = 1e-7
"""How near to a bound is at it, for the normal distribution: BOUNDS_THRESHOLD."""

# The inverse of the normal distribution as Cephes has it (S. Moshier, ndtri.c), which scipy uses:
# one fraction in the middle, another beyond; the farthest tail is cut off here anyway.
_MIDDLE = (
    (
        -5.99633501014107895267e1,
        9.80010754185999661536e1,
        -5.66762857469070293439e1,
        1.39312609387279679503e1,
        -1.23916583867381258016e0,
    ),
    (
        1.0,
        1.95448858338141759834e0,
        4.67627912898881538453e0,
        8.63602421390890590575e1,
        -2.25462687854119370527e2,
        2.00260212380060660359e2,
        -8.20372256168333339912e1,
        1.59056225126211695515e1,
        -1.18331621121330003142e0,
    ),
)
_TAIL = (
    (
        4.05544892305962419923e0,
        3.15251094599893866154e1,
        5.71628192246421288162e1,
        4.40805073893200834700e1,
        1.46849561928858024014e1,
        2.18663306850790267539e0,
        -1.40256079171354495875e-1,
        -3.50424626827848203418e-2,
        -8.57456785154685413611e-4,
    ),
    (
        1.0,
        1.57799883256466749731e1,
        4.53907635128879210584e1,
        4.13172038254672030440e1,
        1.50425385692907503408e1,
        2.50464946208309415979e0,
        -1.42182922854787788574e-1,
        -3.80806407691578277194e-2,
        -9.33259480895457427372e-4,
    ),
)
_TAIL_BEGINS = 0.13533528323661269189
"""exp(-2)"""


def _fraction(x: np.ndarray, terms: tuple[tuple[float, ...], tuple[float, ...]]) -> np.ndarray:
    above, below = (np.polyval(one, x) for one in terms)
    return above / below


def normal_quantile(share: np.ndarray) -> np.ndarray:
    """Return where the standard normal distribution has these shares below it.

    :param share: from 0 to 1; -inf comes of 0, inf of 1. Right from about 1e-13 to 1 - 1e-13.
    """
    with np.errstate(all="ignore"):
        lower = np.minimum(share, 1.0 - share)
        centered = lower - 0.5
        square = centered * centered
        middle = centered + centered * (square * _fraction(square, _MIDDLE))
        middle = middle * 2.50662827463100050242  # sqrt(2 pi)
        root = np.sqrt(-2.0 * np.log(lower))
        first = root - np.log(root) / root
        tail = -(first - _fraction(1.0 / root, _TAIL) / root)
        tail = np.where(lower == 0, -np.inf, tail)
        below = np.where(lower > _TAIL_BEGINS, middle, tail)
    return np.where(share > 0.5, -below, below)


def _quantile(step: Step) -> Compute:
    # Arrays: `quantiles` (n x columns), `references` (n). Option: `is_normal`.
    quantiles = np.ascontiguousarray(step.arrays["quantiles"].T)
    references = step.arrays["references"]
    is_normal = bool(step.options["is_normal"])
    margin = _MARGIN if is_normal else 0.0
    edge = _MARGIN - np.spacing(1)
    low, high = normal_quantile(np.array([edge, 1 - edge]))

    def column(x: np.ndarray, known: np.ndarray) -> np.ndarray:
        is_number = ~np.isnan(x)
        numbers = x[is_number]
        result = x.copy()
        # In both directions, for where a quantile is there more than once.
        result[is_number] = 0.5 * (
            np.interp(numbers, known, references)
            - np.interp(-numbers, -known[::-1], -references[::-1])
        )
        if not margin:
            result[x == known[-1]] = 1
            result[x == known[0]] = 0
            return result
        result[x + margin > known[-1]] = 1
        result[x - margin < known[0]] = 0
        return np.clip(normal_quantile(result.astype(np.float64)), low, high)

    def quantile(data: np.ndarray) -> np.ndarray:
        result = np.empty_like(data)
        for index, known in enumerate(quantiles):
            result[:, index] = column(data[:, index], known)
        return result

    return quantile
