"""The hunt: many drawn cases against one rule, the same for the suite and for the nightly run."""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st

from .bodies import Body, bodies
from .lambda_events import lambda_events
from .models import Function
from .rules import fault_of_body, fault_of_event

Case = TypeVar("Case")

_ROUND = 1_000
_MOST_ROUNDS_WITHOUT_NEWS = 3


@dataclass
class Result:
    """How many cases ran, and the shortest case of each kind of fault."""

    count: int = 0
    findings: dict[str, str] = field(default_factory=dict)

    def note(self, fault: str | None, case: object) -> None:
        """Count a case."""
        self.count += 1
        if fault is not None:
            shown = repr(case)
            if fault not in self.findings or len(shown) < len(self.findings[fault]):
                self.findings[fault] = shown


def hunt_bodies(function: Function, count: int, first_seed: int = 0) -> Result:
    """Send `count` bodies to the app of a function; equal arguments send the same ones."""

    def fault_of(body: Body) -> str | None:
        return fault_of_body(function.app, body)

    return _hunt(bodies(function.sample), fault_of, count, first_seed)


def hunt_events(function: Function, count: int, first_seed: int = 0) -> Result:
    """Invoke a function with `count` events; equal arguments send the same ones."""

    def fault_of(event: object) -> str | None:
        return fault_of_event(function.handler, event)

    return _hunt(lambda_events(), fault_of, count, first_seed)


def _hunt(
    cases: st.SearchStrategy[Case],
    fault_of: Callable[[Case], str | None],
    count: int,
    first_seed: int,
) -> Result:
    result = Result()
    number = first_seed
    idle = 0
    with _as_in_production():
        while result.count < count and idle < _MOST_ROUNDS_WITHOUT_NEWS:
            before = result.count
            _round(cases, fault_of, min(_ROUND, count - result.count), number, result)
            number += 1
            idle = idle + 1 if result.count == before else 0
    return result


def _round(
    cases: st.SearchStrategy[Case],
    fault_of: Callable[[Case], str | None],
    count: int,
    number: int,
    result: Result,
) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def attempt(case: Case) -> None:
        result.note(fault_of(case), case)

    attempt()


@contextlib.contextmanager
def _as_in_production() -> Iterator[None]:
    """Let warnings be no errors, and throw the log away."""
    logging.disable()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
