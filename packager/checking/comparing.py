"""Compare two answers to one scoring request."""

import math
from dataclasses import dataclass
from typing import Any

RELATIVE_TOLERANCE = 1e-6
"""Sums in another order (another BLAS, another CPU) differ by less; another model by more."""
ABSOLUTE_TOLERANCE = 1e-12
"""For numbers around zero, where a relative difference says nothing."""


@dataclass(frozen=True)
class Comparison:
    """How far two answers are apart."""

    values: int
    """How many were compared."""
    largest_difference: float
    """Of two numbers, relative to the larger one."""
    mismatch: str | None
    """Where they first differ by more than the tolerance, and how; None: they agree."""
    random_values: int = 0
    """How many were not compared, since the source itself answers otherwise each time."""


def compare(found: Any, wanted: Any, again: Any = None) -> Comparison:
    """Compare JSON documents: text, whole numbers and shapes exactly, the rest by tolerance.

    :param again: what the source answered when it was asked a second time. Where that is not
        what it answered first, the model draws at random (Prophet its intervals); None: it was
        not asked.
    """
    walk = _Walk()
    walk.compare(found, wanted, wanted if again is None else again, "")
    return Comparison(walk.values, walk.largest_difference, walk.mismatch, walk.random_values)


class _Walk:
    def __init__(self) -> None:
        self.values = 0
        self.random_values = 0
        self.largest_difference = 0.0
        self.mismatch: str | None = None

    def compare(self, found: Any, wanted: Any, again: Any, where: str) -> None:
        is_alike = type(found) is type(wanted)
        has_parts = is_alike and _has_same_shape(wanted, again)
        if has_parts and isinstance(wanted, dict):
            self._compare_dicts(found, wanted, again, where)
        elif has_parts and isinstance(wanted, list):
            self._compare_lists(found, wanted, again, where)
        elif is_alike and not _agree(again, wanted):
            self.random_values += 1
        else:
            self.values += 1
            difference = _relative_difference(found, wanted)
            if math.isfinite(difference):
                self.largest_difference = max(self.largest_difference, difference)
            self._require(_agree(found, wanted), where, f"{found!r} instead of {wanted!r}")

    def _compare_dicts(
        self, found: dict[str, Any], wanted: dict[str, Any], again: dict[str, Any], where: str
    ) -> None:
        text = f"keys {sorted(found)} instead of {sorted(wanted)}"
        self._require(found.keys() == wanted.keys(), where, text)
        for key in sorted(found.keys() & wanted.keys()):
            inside = f"{where}.{key}" if where else key
            self.compare(found[key], wanted[key], again[key], inside)

    def _compare_lists(
        self, found: list[Any], wanted: list[Any], again: list[Any], where: str
    ) -> None:
        text = f"{len(found)} items instead of {len(wanted)}"
        self._require(len(found) == len(wanted), where, text)
        for index, items in enumerate(zip(found, wanted, again, strict=False)):
            self.compare(*items, f"{where}[{index}]")

    def _require(self, holds: bool, where: str, text: str) -> None:
        if not holds and self.mismatch is None:
            self.mismatch = f"{where or 'the answer'}: {text}"


def _has_same_shape(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys()
    return isinstance(one, list) and isinstance(other, list) and len(one) == len(other)


def _agree(one: Any, other: Any) -> bool:
    if not (isinstance(one, float) and isinstance(other, float)):
        return type(one) is type(other) and bool(one == other)
    if math.isnan(one) and math.isnan(other):
        return True
    return _relative_difference(one, other) <= RELATIVE_TOLERANCE


def _relative_difference(one: Any, other: Any) -> float:
    """Return 0 for what is no pair of floats, and for such as agree around zero."""
    if not (isinstance(one, float) and isinstance(other, float)) or one == other:
        return 0.0
    difference = abs(one - other)
    if difference <= ABSOLUTE_TOLERANCE:
        return 0.0
    return difference / max(abs(one), abs(other))
