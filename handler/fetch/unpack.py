"""Write the model's files while their archive arrives; the archive itself is never on disk.

`model.zip` holds its files one after the other, as they are, each behind a header of its own. The
manifest pins every file, and what is around them, the frame: together that is the archive.
"""

import hashlib
import os
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from handler.errors import ModelIntegrityError
from handler.fetch.integrity import CHUNK_BYTES, Check, check_of
from handler.fetch.parts import PART_BYTES, Parts
from handler.manifest import FileEntry
from handler.s3.source import Source

# APPNOTE.TXT 4.3.7: signature, version, flags, method, time, date, crc, sizes, lengths.
_HEADER = struct.Struct("<4sHHHHHIIIHH")
_FILE, _DIRECTORY, _EMPTY = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_STORED = 0
_HAS_NO_SIZES = 0x0008 | 0x0001
"""Sizes behind the file, or encryption: nothing that `packager build` writes."""
_IS_UTF8 = 0x0800
_ZIP64_FIELD = 1
_IN_ZIP64 = 0xFFFFFFFF
_WHOLE_BYTES = 2 * PART_BYTES
"""Up to this size an archive comes in one answer."""


def unpack(source: Source, archive: FileEntry, files: tuple[FileEntry, ...], folder: Path) -> str:
    """Write the files that the manifest names, and no others; return the frame's sha256.

    :param folder: is made.
    :raises ModelIntegrityError: the archive is another one, damaged, or lacks a file.
    :raises ModelFetchError: S3 does not give it.
    :raises OSError: a file cannot be written.
    """
    wanted = {entry.path: entry for entry in files}
    folder.mkdir()
    with closing(_Reader(source, archive)) as reader:
        while header := _read_header(reader):
            entry = wanted.pop(header.name, None)
            if entry is None:
                reader.pass_by(header.size_bytes)
                continue
            check = check_of(entry)
            check.expect_size(header.size_bytes)
            path = folder / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(reader, entry.size_bytes, check, path)
            check.finish()
        reader.pass_by(archive.size_bytes - reader.position)
    for name in wanted:
        raise ModelIntegrityError(
            f"model file {name} is missing in the model archive: build and publish again"
        )
    return reader.frame.hexdigest()


def _write(reader: "_Reader", size_bytes: int, check: Check, path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        at_hand = min(reader.at_hand_bytes, size_bytes)
        if size_bytes - at_hand <= PART_BYTES:
            _write_in_order(reader, size_bytes, check, descriptor)
            return
        start = reader.position + at_hand
        stop = reader.position + size_bytes
        with Parts(reader.source, start, stop, descriptor, at_hand) as parts:
            _write_in_order(reader, at_hand, check, descriptor)
            for begin, end in parts.as_they_come():
                _check_written(check, descriptor, begin, end)
        reader.go_to(stop)
    finally:
        os.close(descriptor)


def _write_in_order(reader: "_Reader", size_bytes: int, check: Check, descriptor: int) -> None:
    for chunk in reader.take(size_bytes):
        check.update(chunk)
        while chunk:
            chunk = chunk[os.write(descriptor, chunk) :]


def _check_written(check: Check, descriptor: int, begin: int, end: int) -> None:
    buffer = memoryview(bytearray(CHUNK_BYTES))
    while begin < end:
        size = os.preadv(descriptor, [buffer[: min(end - begin, len(buffer))]], begin)
        check.update(buffer[:size])
        begin += size


class _Header(NamedTuple):
    name: str
    size_bytes: int


def _read_header(reader: "_Reader") -> _Header | None:
    """Return the next file's; None where the files end."""
    start = reader.exactly(4)
    if start in (_DIRECTORY, _EMPTY):
        return None
    rest = start + reader.exactly(_HEADER.size - 4)
    _, _, flags, method, _, _, _, packed, size, name_length, extra_length = _HEADER.unpack(rest)
    if start != _FILE or method != _STORED or flags & _HAS_NO_SIZES:
        raise _unreadable("its files are not stored as they are")
    name = reader.exactly(name_length)
    extra = reader.exactly(extra_length)
    if size == _IN_ZIP64:
        size = packed = _zip64_size(extra)
    if size != packed:
        raise _unreadable("a header contradicts itself")
    # Python would import a module for the other one.
    encoding = "utf-8" if flags & _IS_UTF8 or name.isascii() else "cp437"
    return _Header(name.decode(encoding, "replace"), size)


def _zip64_size(extra: bytes) -> int:
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == _ZIP64_FIELD and length >= 8 and len(extra) >= 12:
            return int.from_bytes(extra[4:12], "little")
        extra = extra[4 + length :]
    raise _unreadable("a header lacks a size")


def _unreadable(reason: str) -> ModelIntegrityError:
    return ModelIntegrityError(
        f"the model archive is no readable zip file ({reason}): build and publish again"
    )


class _Reader:
    """Reads the archive from its beginning, in one answer or in ranges."""

    def __init__(self, source: Source, archive: FileEntry) -> None:
        self.source = source
        self.position = 0
        self.frame = hashlib.sha256()
        self._archive = archive
        self._pieces: Iterator[memoryview] = iter(())
        self._piece = memoryview(b"")
        self._range_stop = 0

    @property
    def at_hand_bytes(self) -> int:
        """How much of the range that was asked for has yet to be read."""
        return max(self._range_stop - self.position, 0)

    def exactly(self, size_bytes: int) -> bytes:
        """Read so many bytes of the frame, and return them."""
        content = b"".join(map(bytes, self.take(size_bytes)))
        self.frame.update(content)
        return content

    def take(self, size_bytes: int) -> Iterator[memoryview]:
        """Give so many bytes, in pieces that are good until the next one is asked for.

        :raises ModelIntegrityError: the archive ends before.
        """
        while size_bytes:
            if not self._piece:
                self._piece = self._next_piece()
            piece, self._piece = self._piece[:size_bytes], self._piece[size_bytes:]
            self.position += len(piece)
            size_bytes -= len(piece)
            yield piece

    def pass_by(self, size_bytes: int) -> None:
        """Read so many bytes of the frame."""
        for piece in self.take(size_bytes):
            self.frame.update(piece)

    def go_to(self, position: int) -> None:
        """Go on elsewhere, from the end of the range that was asked for."""
        self.position = position

    def _next_piece(self) -> memoryview:
        if self.position >= self._range_stop:
            self._ask()
        piece = next(self._pieces, None)
        size = self.source.size_bytes
        if piece is None or size not in (None, self._archive.size_bytes):
            raise _unreadable("it has another size than the bundle's")
        return piece

    def _ask(self) -> None:
        self.close()
        size = self._archive.size_bytes
        if self.position >= size:
            raise _unreadable("it ends too early")
        if size <= _WHOLE_BYTES:
            self._range_stop = size
            self._pieces = self.source.read(self.position, None)
        else:
            self._range_stop = min(self.position + PART_BYTES, size)
            self._pieces = self.source.read(self.position, self._range_stop)

    def close(self) -> None:
        """End the answer that is being read."""
        # Generators: the connection of one that is not at its end is not used again.
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
