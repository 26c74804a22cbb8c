"""The per-user cache: folders that are built once and appear whole or not at all."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import platformdirs

from packager.errors import ConfigError
from packager.progress import LOGGED, Progress
from packager.support.atomic import drafts_of, whole_folder

CACHE_VARIABLE = "PACKAGER_CACHE"
_ABANDONED_AFTER_S = 24 * 3600
"""No build takes a day."""


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
    progress: Progress = LOGGED,
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
                _remove_abandoned(folder)
                with whole_folder(folder) as draft:
                    build(draft)
    except OSError as error:
        raise ConfigError(
            f"cannot build {folder}: {error}",
            hint=f"Set {CACHE_VARIABLE} to a folder that can be written and has room.",
        ) from error
    return folder


def cache_key(facts: object, *, sources: Iterable[Traversable] = ()) -> str:
    """Return the name of what these facts, and the code of these packages, decide.

    :param facts: all else that decides; made of what JSON can say.
    :param sources: modules, and packages with all that is in them.
    """
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for source in sources:
        with resources.as_file(source) as place:
            for path in sorted(place.rglob("*"), key=str) if place.is_dir() else [place]:
                if path.suffix in (".py", ".so"):
                    digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def _remove_abandoned(folder: Path) -> None:
    """Remove what killed processes left of this folder, and long ago of those beside it."""
    # We hold this folder's lock: a draft of it is in nobody's use.
    abandoned = set(drafts_of(folder))
    for draft in folder.parent.glob(".*.partial"):
        with contextlib.suppress(OSError):  # another process was faster
            if time.time() - draft.stat().st_mtime > _ABANDONED_AFTER_S:
                abandoned.add(draft)
    for draft in abandoned:
        shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
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
