"""Compare bytes with what the manifest pins."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from handler.errors import ModelIntegrityError
from handler.manifest import FileEntry

CHUNK_BYTES = 1 << 20


class Check:
    """Compares a stream of bytes with what the manifest says of it.

    :param entry: the size and digest that the stream must have.
    :param what: what the stream is, for the message.
    """

    def __init__(self, entry: FileEntry, what: str) -> None:
        self._entry = entry
        self._what = what
        self._size_bytes = 0
        self._digest = hashlib.sha256()

    def update(self, chunk: bytes | memoryview) -> None:
        """Take the next bytes; refuse them as soon as they are too many."""
        self._size_bytes += len(chunk)
        if self._size_bytes > self._entry.size_bytes:
            raise self._mismatch("size", f"{self._entry.size_bytes} bytes", "more")
        self._digest.update(chunk)

    def finish(self) -> None:
        """Compare the whole."""
        self.expect_size(self._size_bytes)
        if self._digest.hexdigest() != self._entry.sha256:
            raise self._mismatch("sha256", self._entry.sha256, self._digest.hexdigest())

    def expect_size(self, size_bytes: int) -> None:
        """Refuse another size than the pinned one."""
        if size_bytes != self._entry.size_bytes:
            expected = f"{self._entry.size_bytes} bytes"
            raise self._mismatch("size", expected, f"{size_bytes} bytes")

    def _mismatch(self, field: str, expected: str, actual: str) -> ModelIntegrityError:
        return ModelIntegrityError(
            f"{self._what} is not the one that this bundle pins and was not loaded:"
            f" expected {field} {expected}, found {actual}. Publish the bundle again, or deploy"
            " the bundle that belongs to it"
        )


def check_of(entry: FileEntry) -> Check:
    """Return the check of a model file."""
    return Check(entry, f"model file {entry.path}")


def verify_files(folder: Path, files: Iterable[FileEntry]) -> None:
    """Compare each file with its entry in the manifest.

    :raises ModelIntegrityError: names the first file that is missing or different.
    """
    for entry in files:
        check = check_of(entry)
        try:
            with (folder / entry.path).open("rb", buffering=0) as file:
                for chunk in _chunks(file):
                    check.update(chunk)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise ModelIntegrityError(
                f"model file {entry.path} is missing: build and publish the bundle again"
            ) from error
        check.finish()


def _chunks(file: IO[bytes]) -> Iterator[memoryview]:
    buffer = memoryview(bytearray(CHUNK_BYTES))
    while size := file.readinto(buffer):  # type: ignore[attr-defined]  # IO does not name it
        yield buffer[:size]
