"""Folders in /tmp that appear whole or not at all, for several processes and after any cut.

Lambda ends an init at its 10 s and a request at its timeout, and /tmp stays.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DRAFT = ".part"


@contextmanager
def only_one_process(folder: Path) -> Iterator[None]:
    """Let one process at a time work on a folder in /tmp; its parent is made.

    :raises OSError: the parent cannot be written.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The kernel releases the lock of a killed process, so none is ever left behind.
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a path to fill in the folder's stead; it gets the folder's name in one step.

    What is there under that name, and what a cut left, goes first: it would fill /tmp. Only for
    the process that has the folder to itself.
    """
    _remove(folder)
    draft = folder.with_name(f"{folder.name}.{os.getpid()}{_DRAFT}")
    try:
        yield draft
        draft.rename(folder)
    except BaseException:
        _remove(folder)
        raise


def _remove(folder: Path) -> None:
    # Without glob's regular expressions, which are not imported yet.
    for name in os.listdir(folder.parent):  # noqa: PTH208
        is_draft = name.startswith(f"{folder.name}.") and name.endswith(_DRAFT)
        if name == folder.name or is_draft:
            import shutil  # 2 ms that a first fetch does not pay

            shutil.rmtree(folder.parent / name, ignore_errors=True)
