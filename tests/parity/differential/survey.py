"""Many generated requests to many models, shared among processes."""

import logging
import multiprocessing
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from .duel import Tally, duel
from .judging import Judge

_CHUNK = 500
"""Requests under one seed: Hypothesis remembers what it generated, so it must end."""


@dataclass(frozen=True)
class Chunk:
    """A share of the work."""

    model: str
    folder: Path
    count: int
    seed: int


def survey(models: list[str], count: int, seed: int, processes: int) -> Iterator[Tally]:
    """Ask both servers `count` generated requests in all; yield a tally of each chunk."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        with Judge(root / "saving.log") as judge:
            for model in models:
                judge.save(model, root / model)
        # Spawned: a forked child would inherit the threads of numpy's libraries.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, context, _start, (root,)) as pool:
            tallies = [pool.submit(_ask, chunk) for chunk in _chunks(root, models, count, seed)]
            try:
                for tally in as_completed(tallies):
                    yield tally.result()
            finally:
                pool.shutdown(cancel_futures=True)


def _chunks(root: Path, models: list[str], count: int, seed: int) -> list[Chunk]:
    chunks: list[Chunk] = []
    for number, model in enumerate(models):
        left = count // len(models) + (number < count % len(models))
        for done in range(0, left, _CHUNK):
            own_seed = seed * 1_000_003 + len(chunks)
            chunks.append(Chunk(model, root / model, min(_CHUNK, left - done), own_seed))
    return chunks


# Of this process; it ends with the process, when its input does.
_judges: list[Judge] = []


def _start(root: Path) -> None:
    # What the models' libraries log of bad data is not looked at here.
    logging.disable(logging.CRITICAL)
    _judges.append(Judge(root / f"judge{multiprocessing.current_process().pid}.log"))


def _ask(chunk: Chunk) -> Tally:
    tally = Tally()
    with duel(chunk.model, chunk.folder, _judges[0]) as chosen:
        chosen.survey(chunk.count, chunk.seed, tally)
    return tally
