"""Whether a Python model can do without MLflow: read from its files, which are never run."""

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path

from packager.model.files import resolve_inside
from packager.model.pickle_names import why_of_pickle
from packager.model.source_names import why_of_source

_COMPILED = (".pyc", ".so", ".pyd")


def why_mlflow(folder: Path, files: Iterable[str], compression: str | None = None) -> str | None:
    """Return why the model needs MLflow in its bundle, in words; None: it does not.

    :param files: files or folders of the model folder that are loaded; "" is all of it. Those
        that are missing or not inside it are somebody else's concern, and not read.
    :param compression: of the first of them, where it is a pickle.
    """
    for index, name in enumerate(files):
        for path in _files(folder, name):
            why = _why(path, compression if index == 0 else None)
            if why is not None:
                return f"{path.relative_to(folder).as_posix()} {why}"
    return None


def _files(folder: Path, name: str) -> Iterator[Path]:
    root = resolve_inside(folder, name, []) if name else folder
    if root is None:
        return
    if root.is_file():
        yield root
        return
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def _why(path: Path, compression: str | None) -> str | None:
    if path.suffix == ".py":
        return why_of_source(path)
    if compression is not None:
        return why_of_pickle(path, compression)
    if path.suffix in _COMPILED:
        return "mentions mlflow in compiled code" if _mentions(path) else None
    return why_of_pickle(path, None) if _is_pickle(path) and _mentions(path) else None


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(2)
    return start[:1] == b"\x80" and start[1:] <= b"\x05"


def _mentions(path: Path) -> bool:
    if path.stat().st_size == 0:  # which cannot be mapped
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(b"mlflow") >= 0
