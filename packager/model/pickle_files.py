"""The pickles in a model's files: alone, compressed, or in torch's zips."""

import bz2
import gzip
import lzma
import mmap
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Self

from packager.support.malformed import COMPRESSION_ERRORS, ZIP_ERRORS

_MOST_BYTES = 4 << 30
_PIECE = 1 << 24
_FOREIGN = {b"\x04\x22\x4d\x18": "lz4", b"\x28\xb5\x2f\xfd": "zstandard"}
"""Compressions that take a package, by the file's first bytes; and the module."""


def open_pickles(path: Path, *, is_main: bool) -> Iterator[IO[bytes]]:
    """Yield what may be pickles in a file: uncompressed, and in files that can be mapped.

    :raises ValueError: there may be one that cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(4)
        for mark, module in _FOREIGN.items():
            if head == mark:
                raise ValueError(f"it is compressed by {module}")
        if head == b"PK\x03\x04":
            yield from _members(file)
            return
        opener = next((opener for mark, opener in _OPENERS if head.startswith(mark)), None)
        file.seek(0)
        if opener is None:
            if is_main or head[:1] == b"\x80":
                yield file
            return
        with opener(file) as packed, tempfile.TemporaryFile() as plain:
            _copy(packed, plain)
            if is_main or _starts_a_pickle(plain):
                yield plain


def _members(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield the pickles in a zip, as torch writes them."""
    try:
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                if name.endswith(".pkl"):
                    with archive.open(name) as packed, tempfile.TemporaryFile() as plain:
                        _copy(packed, plain)
                        yield plain
    except ZIP_ERRORS as error:
        raise ValueError(f"a damaged zip ({type(error).__name__})") from error


def _starts_a_pickle(file: IO[bytes]) -> bool:
    file.seek(0)
    return file.read(1) == b"\x80"


def _copy(packed: IO[bytes], plain: IO[bytes]) -> None:
    """Write the uncompressed data.

    :raises ValueError: it is damaged, or too large to be read.
    """
    try:
        while piece := packed.read(_PIECE):
            plain.write(piece)
            if plain.tell() > _MOST_BYTES:
                raise ValueError("it is too large")
    except COMPRESSION_ERRORS as error:
        raise ValueError(f"damaged ({type(error).__name__})") from error
    plain.flush()


class _Zlib:
    """Reads what joblib compressed with its default, zlib."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._inflate = file, zlib.decompressobj()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, size: int) -> bytes:
        while not self._inflate.eof:
            data = self._inflate.unconsumed_tail or self._file.read(size)
            if not data:
                raise EOFError
            if found := self._inflate.decompress(data, size):
                return found
        return b""


_OPENERS: tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zX", lzma.open),
    (b"\x5d\x00\x00", lzma.open),
    *((bytes((0x78, level)), _Zlib) for level in (0x01, 0x3C, 0x5E, 0x9C, 0xDA)),
)
"""What reads a compressed file, by its first bytes."""


def has_word(file: IO[bytes], text: str) -> bool:
    """Tell whether the word is in the file: by itself, or as a string of a pickle's."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _has(data, text.encode())


def _has(data: mmap.mmap, word: bytes) -> bool:
    start = data.find(word)
    while start >= 0:
        before, after = (
            data[max(0, start - 5) : start],
            data[start + len(word) : start + len(word) + 1],
        )
        if not (_is_part(before[-1:]) or _is_part(after)):
            return True
        if before[-2:] == b"\x8c" + bytes((len(word),)):
            return True
        if before == b"X" + len(word).to_bytes(4, "little"):
            return True
        start = data.find(word, start + 1)
    return False


def _is_part(character: bytes) -> bool:
    return character.isalnum() or character == b"_"
