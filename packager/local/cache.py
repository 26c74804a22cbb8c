"""The per-user cache: folders that are built once and appear whole or not at all."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from packager.errors import ConfigError
from packager.progress import SILENT, Progress

CACHE_VARIABLE = "PACKAGER_CACHE"


def cache_root() -> Path:
    """Return the folder for everything that can be made again.

    `$PACKAGER_CACHE`, or the user's cache folder as the platform has it.
    """
    given = os.environ.get(CACHE_VARIABLE)
    return Path(given).absolute() if given else platformdirs.user_cache_path("packager")


def build_once(
    folder: Path,
    build: Callable[[Path], None],
    *,
    is_usable: Callable[[Path], bool] = Path.is_dir,
    progress: Progress = SILENT,
) -> Path:
    """Return `folder`, built if it is not there yet.

    `build` fills a folder under a temporary name, which is renamed when it is done: an
    interrupted build leaves nothing that looks whole. Parallel callers wait for the first.

    :param build: fills the empty folder that it is given.
    :param is_usable: whether what is there can still be used; if not, it is built again.
    :raises ConfigError: the cache cannot be written.
    """
    if is_usable(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_name(f"{folder.name}.lock"), progress):
            if not is_usable(folder):
                _build(folder, build)
    except OSError as error:
        raise ConfigError(
            f"cannot build {folder}: {error}",
            hint=f"Set {CACHE_VARIABLE} to a folder that can be written and has room.",
        ) from error
    return folder


def _build(folder: Path, build: Callable[[Path], None]) -> None:
    # We hold the lock, so a temporary folder that is there belongs to a killed process.
    for leftover in folder.parent.glob(f".{folder.name}.*.partial"):
        shutil.rmtree(leftover, ignore_errors=True)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    # Not a private one: a function that runs as a user without rights reads it.
    partial.mkdir()
    try:
        build(partial)
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _locked(path: Path, progress: Progress) -> Iterator[None]:
    # The kernel drops the lock when the process ends, however it ends. The file stays:
    # deleting it would let two processes hold locks on two files of the same name.
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.detail(f"waiting for another process that builds {path.stem}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
