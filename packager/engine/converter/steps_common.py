"""What the conversions of numpy steps have in common."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .builder import Builder, NotConvertible, Step

FLOATS = ["float64", "float32"]
"""scikit-learn's FLOAT_DTYPES: kept, anything else becomes the first."""
_TAKES_TABLES = frozenset(
    {"matrix", "pick", "join", "one_hot", "ordinal", "target", "objects", "constant"}
)


def make(
    op: str,
    builder: Builder | None = None,
    arrays: Mapping[str, Any] | None = None,
    chains: list[list[Step]] | None = None,
    **options: Any,
) -> Step:
    """Return a step.

    :param arrays: by the names that the op gives them; the builder takes them.
    """
    step: Step = {"op": op, **options}
    if builder is not None and arrays is not None:
        step["arrays"] = {name: builder.add(array) for name, array in arrays.items()}
    if chains is not None:
        step["chains"] = chains
    return step


def check(
    model: Any,
    dtype: str | list[str] = "numeric",
    *,
    allow_nan: bool = False,
    allow_infinity: bool = False,
) -> list[Step]:
    """Return what an estimator does with its input first: `check_array` with these options."""
    features = getattr(model, "n_features_in_", None)
    if features is None:
        raise NotConvertible(f"{type(model).__name__} does not say how many columns it takes")
    return [
        make("matrix"),
        make(
            "check",
            dtype=dtype,
            allow_nan=allow_nan,
            allow_infinity=allow_infinity,
            features=int(features),
        ),
    ]


def labels(model: Any, builder: Builder) -> Step:
    """Return the step from scores to the model's classes."""
    return make("labels", builder, {"classes": model.classes_})


def on_tables(steps: list[Step]) -> list[Step]:
    """Return steps that take a dict of columns too."""
    return steps if steps and steps[0]["op"] in _TAKES_TABLES else [make("matrix"), *steps]


def refuse(model: Any, what: str) -> NotConvertible:
    """Return the error that says what of a model has no conversion."""
    return NotConvertible(f"there is no conversion for {type(model).__name__} with {what}")


def only(model: Any, method: str, *methods: str) -> None:
    """Refuse a method that is none of these.

    :raises NotConvertible: so it is.
    """
    if method not in methods:
        raise NotConvertible(f"there is no conversion for {type(model).__name__}.{method}")


def dense(matrix: Any) -> np.ndarray:
    """Return coefficients as an array: `sparsify()` leaves some models a sparse matrix."""
    array: np.ndarray = matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)
    return array


def library_version() -> tuple[int, int]:
    """Return scikit-learn's version: what it computes differs in details."""
    import sklearn  # the model's own library, in its environment

    major, minor, *_ = sklearn.__version__.split(".")
    return int(major), int(minor)
