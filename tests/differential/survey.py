"""Many generated requests to many models, shared among processes."""

import logging
import multiprocessing
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from .answers import Difference
from .duel import Tally, duel
from .judging import Judge

_CHUNK = 500
"""Requests under one seed: Hypothesis remembers what it generated, so it must end."""

_SHOWN = 3
"""Differences printed of each chunk."""

Job = tuple[str, int, int]
"""Model, count, seed."""


def survey(models: list[str], count: int, seed: int, processes: int) -> list[Tally]:
    """Ask both servers `count` generated requests in all; return a tally of each process."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        with Judge(root / "saving.log") as judge:
            for model in models:
                judge.save(model, root / model)
        jobs = _jobs(models, count, seed)
        # Spawned: a forked child would inherit the threads of numpy's libraries.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, context) as pool:
            shares = [
                pool.submit(_work, root, number, jobs[number::processes])
                for number in range(processes)
            ]
            return [share.result() for share in shares]


def _jobs(models: list[str], count: int, seed: int) -> list[Job]:
    """Share the count among the models, in chunks with a seed each."""
    jobs: list[Job] = []
    for number, model in enumerate(models):
        left = count // len(models) + (number < count % len(models))
        for chunk in range(0, left, _CHUNK):
            jobs.append((model, min(_CHUNK, left - chunk), seed * 1_000_003 + len(jobs)))
    return jobs


def _work(root: Path, number: int, jobs: list[Job]) -> Tally:
    # What the models' libraries log of bad data is not looked at here.
    logging.disable(logging.CRITICAL)
    tally = Tally()
    with Judge(root / f"judge{number}.log") as judge:
        for model, count, seed in jobs:
            known = len(tally.differences)
            with duel(model, root / model, judge) as chosen:
                chosen.survey(count, seed, tally)
            _tell(tally.differences[known:], model, seed)
    return tally


def _tell(differences: list[Difference], model: str, seed: int) -> None:
    """Print some differences as soon as they are found: a long run may be cut short."""
    if differences:
        shown = "\n".join(map(str, differences[:_SHOWN]))
        text = f"{model}, seed {seed}: {len(differences)} differences, of which\n{shown}\n\n"
        sys.stdout.write(text)
        sys.stdout.flush()
