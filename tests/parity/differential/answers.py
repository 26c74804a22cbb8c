"""Comparing two answers, to the last bit."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .deviations import DEVIATIONS, IGNORED_IN_ERRORS, Deviation
from .exchange import Answer, Request

_SHOWN = 1500


@dataclass(frozen=True)
class Difference:
    """A request that the two servers answer differently."""

    model: str
    request: Request
    theirs: Answer
    ours: Answer

    def __str__(self) -> str:
        return (
            f"{self.model}: {self.request.method} {self.request.path}"
            f" {self.request.content_type}\n{_shown(self.request.body)}\n"
            f"MLflow: {_told(self.theirs)}\nours:   {_told(self.ours)}"
        )


def are_same(theirs: Answer, ours: Answer) -> bool:
    """Tell whether a client could notice no difference.

    Both servers write JSON with Python's writer, whose floats round-trip: the same bytes are
    the same types and bits in the same order. Of errors the wording is ours.
    """
    if (theirs.status, theirs.content_type) != (ours.status, ours.content_type):
        return False
    return theirs.body == ours.body or (
        theirs.status >= 400 and _error(theirs) == _error(ours) is not None
    )


def explanation(
    request: Request, theirs: Answer, ours: Answer, judge: Callable[[Request], Answer]
) -> Deviation | None:
    """Return the deviation that explains a difference; None: it is a bug."""
    for deviation in DEVIATIONS:
        if not deviation.explains(request, theirs, ours):
            continue
        if deviation.meant is None:
            return deviation
        meant = deviation.meant(request)
        answer = judge(meant)
        if are_same(answer, ours) or explanation(meant, answer, ours, judge):
            return deviation
    return None


def faults_of_error(ours: Answer) -> list[str]:
    """Return what an error of ours must never hold and holds."""
    if ours.status < 400:
        return []
    hidden = ("Traceback", "stack_trace", "site-packages", ".py")
    return [word for word in hidden if word in ours.body.decode()]


def _error(answer: Answer) -> list[tuple[str, Any]] | None:
    try:
        pairs = json.loads(answer.body, object_pairs_hook=list)
    except ValueError:
        return None
    return [pair for pair in pairs if pair[0] not in IGNORED_IN_ERRORS]


def _told(answer: Answer) -> str:
    return f"{answer.status} {answer.content_type} {_shown(answer.body)}"


def _shown(body: bytes) -> str:
    text = body.decode(errors="backslashreplace")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(body)} bytes)"
