"""One model behind both servers, and requests to both."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.support.cities import CITY_COLUMNS

from .answers import Difference, are_same, explanation, faults_of_error
from .exchange import Answer, Request
from .judging import Judge
from .ours import OurServer
from .requests import requests_for


@dataclass
class Tally:
    """What became of many requests."""

    asked: set[bytes] = field(default_factory=set)
    """Digests of the requests, to tell how many were distinct."""
    count: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    deviations: Counter[int] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)


class Duel:
    """One model behind MLflow's scoring app and behind ours."""

    def __init__(self, model: str, folder: Path, judge: Judge) -> None:
        self.model = model
        self._folder = folder
        self._judge = judge
        self._ours = OurServer(model, folder)
        cities = CITY_COLUMNS if model.endswith("unsigned_cities") else ()
        self.requests = requests_for(self._ours.info, cities)

    def ask_mlflow(self, request: Request) -> Answer:
        return self._judge.ask(self._folder, request)

    def ask_us(self, request: Request) -> Answer:
        return self._ours.ask(request)

    def compare(self, request: Request, tally: Tally) -> Difference | None:
        """Ask both; return a difference that no deviation explains."""
        answer = self._judge.asked(self._folder, request)
        ours = self.ask_us(request)  # while MLflow thinks
        theirs = answer()
        tally.count += 1
        tally.asked.add(_digest(f"{self.model} {request}"))
        tally.statuses[theirs.status] += 1
        if are_same(theirs, ours) and not faults_of_error(ours):
            return None
        deviation = explanation(request, theirs, ours, self.ask_mlflow)
        if deviation is not None:
            tally.deviations[deviation.number] += 1
            return None
        difference = Difference(self.model, request, theirs, ours)
        tally.differences.append(difference)
        return difference

    def survey(self, count: int, seed: int, tally: Tally) -> None:
        """Ask `count` generated requests and tally every difference; nothing is shrunk."""

        @hypothesis.seed(seed)
        @settings(
            max_examples=count,
            phases=(Phase.generate,),
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(request=self.requests)
        def run(request: Request) -> None:
            self.compare(request, tally)

        run()

    def close(self) -> None:
        self._ours.close()


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


@contextmanager
def duel(model: str, folder: Path, judge: Judge) -> Iterator[Duel]:
    """Load a model for both servers."""
    made = Duel(model, folder, judge)
    try:
        yield made
    finally:
        made.close()
