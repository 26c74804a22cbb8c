"""Steps that multiply by matrices: linear models, networks of them, projections, distances."""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

import numpy as np

from handler.engines.program import Compute, Step


def _linear(step: Step) -> Compute:
    # Arrays: `coef` (outputs x features, or features), `intercept`. Options: `is_flat`, whether
    # one column of results becomes 1-D.
    coef, intercept = step.arrays["coef"].T, step.arrays["intercept"]
    is_flat = bool(step.options["is_flat"])

    def linear(data: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            scores = data @ coef + intercept
        is_column = scores.ndim > 1 and scores.shape[1] == 1
        return scores.reshape(-1) if is_flat and is_column else scores

    return linear


def _shift(step: Step) -> Compute:
    # Less the array `center`, in the dtype that comes of it.
    center = step.arrays["center"]
    return lambda data: data - center


def _dot(step: Step) -> Compute:
    # Array: `matrix` (features x outputs).
    matrix = step.arrays["matrix"]

    def dot(data: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return data @ matrix

    return dot


def _nearest(step: Step) -> Compute:
    # Number of the nearest centroid. Arrays: `centers` (clusters x features). Option `is_whole`,
    # false when left out: a row's own norm is added too, which for huge numbers decides.
    centers = step.arrays["centers"]
    norms = np.einsum("ij,ij->i", centers, centers)
    is_whole = bool(step.options.get("is_whole", False))

    def nearest(data: np.ndarray) -> np.ndarray:
        rows = len(data)
        if rows == 1:
            # scikit-learn multiplies matrices always, and a vector's sums have other last bits,
            # which for huge numbers decide.
            data = np.concatenate([data, data])
        with np.errstate(all="ignore"):
            if is_whole:
                own = np.einsum("ij,ij->i", data, data)[:, None]
                distances = np.maximum(-2.0 * (data @ centers.T) + own + norms, 0)
            else:
                distances = norms - 2.0 * (data @ centers.T)
        return np.argmin(distances[:rows], axis=1).astype(np.int32)

    return nearest


def _distances(step: Step) -> Compute:
    # Euclidean distance to each row of the array `centers`.
    centers = step.arrays["centers"]
    norms = np.einsum("ij,ij->i", centers, centers)[None, :]

    def distances(data: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            squares = -2.0 * (data @ centers.T)
            squares += np.einsum("ij,ij->i", data, data)[:, None]
            squares += norms
            return np.sqrt(np.maximum(squares, 0))

    return distances


def _relu(step: Step) -> Compute:
    return lambda data: np.maximum(data, 0)
