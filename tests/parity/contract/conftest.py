"""The models of this suite, each made once by a worker."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .models import Pair


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> "Callable[[str], Pair]":
    """Return a model by its name, behind MLflow's server and behind ours."""
    # Imported here: MLflow takes seconds, and warns, which only a test can be told to ignore.
    from .models import make_pair

    made: dict[str, Pair] = {}
    root = tmp_path_factory.mktemp("models")

    def pair(name: str) -> "Pair":
        if name not in made:
            made[name] = make_pair(name, root / name)
        return made[name]

    return pair
