"""The classes and functions that a pickle names: nothing is executed."""

from pathlib import Path

from packager.model.inert_pickle import read_pickles
from packager.model.pickle_files import open_pickles


def globals_of(path: Path, module: str) -> tuple[str, ...]:
    """Return what the pickle names of a module and of those in it, as `mine.Ratio`, each once.

    :param path: a pickle, compressed or not; of anything else nothing is said.
    """
    prefix = f"{module}."
    try:
        return tuple(
            name
            for file in open_pickles(path, is_main=False)
            for name in read_pickles(file).members
            if name.startswith(prefix)
        )
    except (OSError, ValueError):
        return ()  # cut short or damaged: whoever loads it says so
