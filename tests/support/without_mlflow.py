"""What a bundle without MLflow has in its place, in a process where other tests have MLflow."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from handler.pythonmodels.modules import place

Modules = dict[str, ModuleType]


@contextmanager
def without_mlflow(modules: Modules) -> Iterator[None]:
    """Have our modules in MLflow's place.

    :param modules: those of one model; empty at first, and filled here.
    """
    theirs = _taken()
    if modules:
        sys.modules.update(modules)
    else:
        place()
    try:
        yield
    finally:
        modules.update(_taken())
        sys.modules.update(theirs)


def _taken() -> Modules:
    names = [name for name in sys.modules if name.partition(".")[0] == "mlflow"]
    return {name: sys.modules.pop(name) for name in names}
