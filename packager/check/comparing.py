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


def compare(found: Any, wanted: Any) -> Comparison:
    """Compare JSON documents: text, whole numbers and shapes exactly, the rest by tolerance."""
    walk = _Walk()
    walk.compare(found, wanted, "")
    return Comparison(walk.values, walk.largest_difference, walk.mismatch)


class _Walk:
    def __init__(self) -> None:
        self.values = 0
        self.largest_difference = 0.0
        self.mismatch: str | None = None

    def compare(self, found: Any, wanted: Any, where: str) -> None:
        if isinstance(found, dict) and isinstance(wanted, dict):
            text = f"keys {sorted(found)} instead of {sorted(wanted)}"
            self._require(found.keys() == wanted.keys(), where, text)
            for key in sorted(found.keys() & wanted.keys()):
                self.compare(found[key], wanted[key], f"{where}.{key}" if where else key)
        elif isinstance(found, list) and isinstance(wanted, list):
            text = f"{len(found)} items instead of {len(wanted)}"
            self._require(len(found) == len(wanted), where, text)
            for index, (left, right) in enumerate(zip(found, wanted, strict=False)):
                self.compare(left, right, f"{where}[{index}]")
        else:
            self.values += 1
            self._require(self._agree(found, wanted), where, f"{found!r} instead of {wanted!r}")

    def _agree(self, found: Any, wanted: Any) -> bool:
        if not (isinstance(found, float) and isinstance(wanted, float)):
            return type(found) is type(wanted) and bool(found == wanted)
        if found == wanted or (math.isnan(found) and math.isnan(wanted)):
            return True
        difference = abs(found - wanted)
        if difference <= ABSOLUTE_TOLERANCE:
            return True
        relative = difference / max(abs(found), abs(wanted))
        if math.isfinite(relative):
            self.largest_difference = max(self.largest_difference, relative)
        return relative <= RELATIVE_TOLERANCE

    def _require(self, holds: bool, where: str, text: str) -> None:
        if not holds and self.mismatch is None:
            self.mismatch = f"{where or 'the answer'}: {text}"
