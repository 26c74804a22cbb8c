"""Functions after their init, one of each model for a worker."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.loops import closed_event_loop

if TYPE_CHECKING:
    from .models import Function


@pytest.fixture(scope="package", autouse=True)
def event_loop() -> Iterator[None]:
    with closed_event_loop():
        yield


@pytest.fixture(scope="package")
def functions(tmp_path_factory: pytest.TempPathFactory) -> "Callable[[str], Function]":
    """Return the function of a model by the model's name."""
    # Imported here: scikit-learn takes a second, which only these tests need.
    from .models import start_function

    started: dict[str, Function] = {}
    root = tmp_path_factory.mktemp("functions")

    def function(name: str) -> "Function":
        if name not in started:
            started[name] = start_function(name, root / name)
        return started[name]

    return function
