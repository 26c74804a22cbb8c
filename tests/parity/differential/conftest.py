"""The judge and the models that it saved, once for all workers."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import only_one_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .duel import Duel
    from .judging import Judge


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Judge]":
    """MLflow 3.18.0 in a process of its own."""
    from .judging import Judge

    with Judge(tmp_path_factory.mktemp("judge") / "log") as made:
        yield made


@pytest.fixture(scope="session")
def duels(judge: "Judge", shared_folder: Path) -> "Iterator[Callable[[str], Duel]]":
    """Return a model by its name, behind MLflow's server and behind ours."""
    # Imported here: it brings pandas and Hypothesis, which other tests need not wait for.
    from .duel import duel

    made: dict[str, Duel] = {}
    with ExitStack() as stack:

        def get(model: str) -> "Duel":
            folder = shared_folder / "differential" / model
            with only_one_worker(shared_folder):
                if not folder.exists():
                    judge.save(model, folder)
            if model not in made:
                made[model] = stack.enter_context(duel(model, folder, judge))
            return made[model]

        yield get
