"""Packages that travel as an archive and are unpacked when something imports them.

A compiled model predicts without pandas, and regular requests are read without it; all others
(CSV, numbers sent as text, missing columns, ...) are read with it, as in MLflow. FastAPI answers
what is no scoring route. Packed, both cost a cold start nothing, and a third of their bytes.
"""

import hashlib
import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from handler.errors import HandlerError
from handler.fetch.atomic import only_one_process, whole_folder

if TYPE_CHECKING:
    from handler.config import HandlerConfig
    from handler.manifest import PackedEntry


class PackedFinder:
    """Finds the modules of an archive, and unpacks it when the first of them is imported.

    To go at the end of `sys.meta_path`. Safe for use by several threads.

    :param modules: the top-level names in the archive.
    :param cache_dir: where to unpack it; Lambda's only writable folder is /tmp.
    """

    def __init__(self, archive: Path, modules: Sequence[str], cache_dir: Path) -> None:
        self._archive = archive
        self._modules = frozenset(modules)
        self._cache_dir = cache_dir
        self._lock = threading.Lock()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: object = None
    ) -> "importlib.machinery.ModuleSpec | None":
        """Return where the module lies, now that it is unpacked; None if it is not packed.

        :raises HandlerError: there is no room to unpack it. No ImportError: those who import
            would take it for a package that is not there.
        """
        if path is not None or name not in self._modules:
            return None
        with self._lock:
            try:
                folder = add_to_path(self._archive, self._cache_dir)
            except OSError as error:
                raise HandlerError(
                    f"{self._archive.name}, which this request needs, cannot be unpacked"
                    f" ({error.strerror}): raise the function's EphemeralStorage"
                ) from error
        return importlib.machinery.PathFinder.find_spec(name, [folder])


def add_finders(entries: "Iterable[PackedEntry]", config: "HandlerConfig") -> None:
    """Make what is packed importable."""
    for entry in entries:
        archive = find_archive(entry.archive, config.task_root)
        if archive is not None:
            sys.meta_path.append(PackedFinder(archive, entry.modules, config.cache_dir))


def find_archive(name: str, task_root: Path) -> Path | None:
    """Return the archive in the function's package or in its layer's; None: there is none."""
    archives = (folder / name for folder in (task_root, *map(Path, sys.path)))
    return next((archive for archive in archives if archive.is_file()), None)


def add_to_path(archive: Path, cache_dir: Path) -> str:
    """Put the folder with an archive's files on Python's path, and return it.

    :raises OSError: there is no room to unpack it.
    """
    folder = str(_unpacked(archive, cache_dir))
    if folder not in sys.path:
        sys.path.append(folder)  # last: what the function's package holds comes first
        importlib.invalidate_caches()
    return folder


def _unpacked(archive: Path, cache_dir: Path) -> Path:
    """Return the folder that holds an archive's files; unpack it unless that was done before."""
    # Imported here: few functions ever unpack anything.
    import zipfile

    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    folder = cache_dir / f"{archive.stem}-{digest}"
    if folder.is_dir():
        return folder
    with only_one_process(folder):
        if not folder.is_dir():
            with whole_folder(folder) as draft, zipfile.ZipFile(archive) as packed:
                packed.extractall(draft)
    return folder
