"""Files and folders that appear whole or not at all, whatever interrupts the writing."""

import ctypes
import errno
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_in_use: set[Path] = set()
"""Drafts of this process."""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is never seen half written.

    :raises OSError: the place cannot be written; what was there is as it was.
    """
    draft = _draft_of(path)
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `folder` when the block ends well.

    Until then, and if the block raises or the process dies, `folder` is as it was. What a
    killed process left beside it is removed by the next one.

    :raises OSError: the place cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    draft = _draft_of(folder)
    # Not a private one: a function that runs as a user without rights reads it.
    draft.mkdir()
    _in_use.add(draft)
    try:
        yield draft
        _put_in_place(draft, folder)
    finally:
        _in_use.discard(draft)
        # After an exchange the draft's name holds what was there before.
        shutil.rmtree(draft, ignore_errors=True)


def remove_whole(folder: Path) -> None:
    """Remove a folder so that, whenever this is interrupted, no half of it has its name.

    :raises OSError: it cannot be renamed.
    """
    doomed = _draft_of(folder)
    folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def drafts_of(folder: Path) -> dict[Path, int]:
    """Return what processes are writing for `folder`, or left when killed, with their numbers."""
    # Not by a glob: `.dist.arm64.7.partial` is the draft of another folder than `dist`.
    name = re.compile(rf"\.{re.escape(folder.name)}\.(\d+)(-old)?\.partial")
    found = ((path, name.fullmatch(path.name)) for path in folder.parent.iterdir())
    return {path: int(match[1]) for path, match in found if match}


def _draft_of(path: Path, suffix: str = "") -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}{suffix}.partial")


def _remove_abandoned(folder: Path) -> None:
    for draft, pid in drafts_of(folder).items():
        # Our own number: in a container every build can be process 7.
        is_ours = pid == os.getpid() and draft not in _in_use
        if is_ours or not _is_running(pid):
            shutil.rmtree(draft, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _put_in_place(draft: Path, folder: Path) -> None:
    if not folder.exists():
        draft.rename(folder)
    elif not _exchange(draft, folder):
        # No atomic exchange on this system: for a moment there is none, never half a one.
        old = _draft_of(folder, "-old")
        folder.rename(old)
        draft.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Swap two folders in one step (Linux `renameat2`); False where there is no such call."""
    if not sys.platform.startswith("linux"):
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    at_fdcwd, rename_exchange = -100, 2
    if renameat2(at_fdcwd, bytes(first), at_fdcwd, bytes(second), rename_exchange) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS):  # the file system cannot
        return False
    raise OSError(number, os.strerror(number), str(second))
