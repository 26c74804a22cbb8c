"""Convert a fitted model to the steps of a compiled program."""

from collections.abc import Callable
from typing import Any

from .builder import Builder, NotConvertible, Step

Recurse = Callable[[Any, str], list[Step]]
"""Converts a part of a model: the part, and which of its methods."""
Convert = Callable[[Any, str, Builder, Recurse], list[Step]]
"""Converts a model of one class: the model, the method that is wanted (`predict`,
`predict_proba`, `decision_function`, `transform`, ...), where arrays and edges go, and how its
parts are converted."""


def convert(model: Any, method: str, builder: Builder) -> list[Step]:
    """Return the steps that compute what a method of the model returns.

    :param model: a fitted estimator, transformer or Booster.
    :raises NotConvertible: with a sentence that says why.
    """
    # Imported here: it imports the names above.
    from .tables import CONVERTERS

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
