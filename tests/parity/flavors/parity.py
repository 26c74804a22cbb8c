"""Compare two JSON answers: equal to the bit, or by how much they differ."""

import sys
from collections.abc import Container
from typing import Any


def largest_difference(ours: Any, theirs: Any, keys: Container[str] | None = None) -> float:
    """Return the largest difference between two numbers at the same place; 0: equal to the bit.

    Relative to MLflow's number beyond 1, absolute below. Everything but finite floats is equal
    or it is not.

    :param keys: of objects: only floats below them may differ; None: all may.
    :raises AssertionError: the answers differ in more than these floats' values.
    """
    return _difference(ours, theirs, "$", keys)


def _difference(ours: Any, theirs: Any, place: str, keys: Container[str] | None) -> float:
    said = f"{place}: {_short(ours)} instead of MLflow's {_short(theirs)}"
    assert type(ours) is type(theirs), said
    if isinstance(ours, dict):
        assert list(ours) == list(theirs), said
        of_values = [
            _difference(
                ours[key],
                theirs[key],
                f"{place}.{key}",
                None if keys is None or key in keys else keys,
            )
            for key in ours
        ]
        return max(of_values, default=0.0)
    if isinstance(ours, list):
        assert len(ours) == len(theirs), said
        pairs = enumerate(zip(ours, theirs, strict=True))
        return max((_difference(*pair, f"{place}[{n}]", keys) for n, pair in pairs), default=0.0)
    if isinstance(ours, float) and repr(ours) != repr(theirs):
        assert keys is None, said
        difference = abs(ours - theirs) / max(1.0, abs(theirs))
        assert difference < 1, said  # also of what is no number
        return difference or sys.float_info.min  # the zeros' signs
    if isinstance(ours, float):
        return 0.0
    assert ours == theirs, said
    return 0.0


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 200 else f"{text[:200]}..."
