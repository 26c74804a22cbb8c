"""Convert a fitted model to the steps of a compiled program."""

import contextlib
from typing import Any

import numpy as np

from . import (
    steps_density,
    steps_encoding,
    steps_ensemble,
    steps_flow,
    steps_linear,
    steps_scaling,
    trees_boosting,
    trees_lightgbm,
    trees_sklearn,
    trees_xgboost,
)
from .builder import Builder, Convert, NotConvertible, Step

CONVERTERS: dict[str, Convert] = {
    **steps_linear.CONVERTERS,
    **steps_density.CONVERTERS,
    **steps_scaling.CONVERTERS,
    **steps_encoding.CONVERTERS,
    **steps_flow.CONVERTERS,
    **steps_ensemble.CONVERTERS,
    **trees_sklearn.CONVERTERS,
    **trees_boosting.CONVERTERS,
    **trees_xgboost.CONVERTERS,
    **trees_lightgbm.CONVERTERS,
}
"""By qualified class name: exactly these, for a subclass may compute anything."""


def convert(model: Any, method: str, builder: Builder) -> list[Step]:
    """Return the steps that compute what a method of the model returns.

    :param model: a fitted estimator, transformer or Booster.
    :raises NotConvertible: with a sentence that says why.
    """
    # A subclass may compute anything: only the very classes are known.
    name = f"{type(model).__module__}.{type(model).__qualname__}"
    if name not in CONVERTERS:
        raise NotConvertible(f"there is no conversion for {name}")

    def recurse(part: Any, wanted: str) -> list[Step]:
        return convert(part, wanted, builder)

    try:
        return CONVERTERS[name](model, method, builder, recurse)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # Fitted by a release whose models are made differently.
        raise NotConvertible(f"{name} is made as in no release known here: {error!r}") from error


def edges_of(model: Any, method: str) -> dict[int, np.ndarray]:
    """Return the values near which the model's predictions may jump, as far as they are known."""
    builder = Builder()
    with contextlib.suppress(NotConvertible):
        convert(model, method, builder)
    return builder.edges
