"""One job at a time where the function has one processor.

Lambda shows two processors to a function that has the time of one. An estimator with `n_jobs`
above 1, or -1, would then start threads that only take turns. See `handler/threads.py` for how
many processors the function's memory brings.
"""

from collections.abc import Iterator
from typing import Any

_SUMS_BY_JOB = "sklearn.ensemble._bagging"
"""Where each job's part is summed up by itself: another number of jobs gives other last digits."""


def run_one_by_one(estimator: Any) -> None:
    """Set `n_jobs` to 1 for an estimator of scikit-learn and for all its parts.

    Predictions stay the same: an estimator whose sums depend on the number is left alone.
    """
    seen: set[int] = set()
    waiting = [estimator]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or not _is_estimator(part):
            continue
        seen.add(id(part))
        own = vars(part)
        if own.get("n_jobs") is not None and type(part).__module__ != _SUMS_BY_JOB:
            part.n_jobs = 1
        for value in own.values():
            waiting.extend(_members(value))


def _members(value: Any) -> Iterator[Any]:
    """Yield an attribute, and what is in it if it is a list or the like."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, (list, tuple)):
        yield value
        return
    # The trees of a forest, which may be thousands, have no jobs; nor have words and numbers.
    first = value[0] if value else None
    if type(first).__module__.startswith(("sklearn.tree.", "builtins")) and not isinstance(
        first, (list, tuple, dict)
    ):
        return
    for member in value:
        # Pairs of a name and a step lie one level down, and nothing of interest deeper.
        yield from member if isinstance(member, (list, tuple)) else (member,)


def _is_estimator(value: Any) -> bool:
    # XGBoost's and LightGBM's have gone to their libraries with the number that they had.
    return hasattr(value, "__dict__") and type(value).__module__.startswith("sklearn.")
