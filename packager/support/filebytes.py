"""A file's bytes: the first few, or all of them without a copy in memory."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def first_bytes(path: Path, count: int) -> bytes:
    """Return so many of the file's first bytes, or all that there are."""
    with path.open("rb") as file:
        return file.read(count)


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """Yield all of the file's bytes, which are read where one looks; it must not be empty."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data
