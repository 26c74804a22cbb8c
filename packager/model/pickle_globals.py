"""The classes and functions that a pickle names, read from its opcodes: nothing is executed."""

import bz2
import gzip
import lzma
import mmap
import pickletools
import re
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

from packager.support.filebytes import mapped
from packager.support.malformed import COMPRESSION_ERRORS

# joblib's compressors by their magic bytes (joblib/compressor.py); zlib has four levels.
DECOMPRESSORS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", gzip.decompress),
    (b"BZh", bz2.decompress),
    (b"\xfd7zXZ", lzma.decompress),
    (b"\x5d\x00", lzma.decompress),
    *((b"\x78" + level, zlib.decompress) for level in (b"\x01", b"\x5e", b"\x9c", b"\xda")),
)
_MAX_OPCODES = 5_000_000
"""Seconds; what a longer pickle names only at its end is not known."""
# As the opcodes write two names that were not named before: where they cannot be followed.
_NAME = rb"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_PAIR = re.compile(rb"\x8c.(%s)\x94\x8c.(%s)\x94\x93|c(%s)\n(%s)\n" % ((_NAME,) * 4), re.DOTALL)


def globals_of(path: Path, module: str) -> tuple[str, ...]:
    """Return what the pickle names of a module and of those in it, as `mine.Ratio`, each once.

    :param path: a pickle, compressed or not; of anything else nothing is said.
    """
    if not path.is_file() or not path.stat().st_size:
        return ()
    with mapped(path) as data:
        content: Any = data
        for magic, decompress in DECOMPRESSORS:
            if data[: len(magic)] == magic:
                try:
                    content = decompress(data[:])
                except (ValueError, *COMPRESSION_ERRORS):
                    return ()
        # Most pickles do not: to follow their opcodes would take seconds.
        if content[:1] != b"\x80" or content.find(module.encode(), 0) < 0:
            return ()
        has_arrays = content.find(b"joblib.numpy_pickle", 0) >= 0
        found = _scanned(content) if has_arrays else _followed(content)
        prefix = f"{module}."
        return tuple(
            dict.fromkeys(
                f"{owner}.{name}" for owner, name in found if f"{owner}.".startswith(prefix)
            )
        )


def _scanned(data: bytes | mmap.mmap) -> Iterator[tuple[str, str]]:
    """Yield the names in a file of joblib, which writes arrays between the opcodes."""
    for match in _PAIR.finditer(data):
        owner, name = (match[1], match[2]) if match[1] else (match[3], match[4])
        yield owner.decode(), name.decode()


def _followed(data: bytes | mmap.mmap) -> Iterator[tuple[str, str]]:
    memo: dict[int, Any] = {}
    before: Any = None
    last: Any = None
    for name, argument in _opcodes(data):
        match name:
            case "MEMOIZE" | "PUT" | "BINPUT" | "LONG_BINPUT":
                memo[len(memo) if argument is None else int(argument)] = last
            case "GET" | "BINGET" | "LONG_BINGET":
                before, last = last, memo.get(int(argument))
            case "GLOBAL" | "INST":
                owner, _, member = argument.partition(" ")
                yield owner, member
                before, last = last, None
            case "STACK_GLOBAL":
                if isinstance(before, str) and isinstance(last, str):
                    yield before, last
                before, last = None, None
            case "FRAME" | "PROTO":
                pass
            case _:
                before, last = last, argument if isinstance(argument, str) else None


def _opcodes(data: bytes | mmap.mmap) -> Iterator[tuple[str, Any]]:
    if isinstance(data, mmap.mmap):
        data.seek(0)
    try:
        for opcode, argument, _ in islice(
            pickletools.genops(cast("IO[bytes]", data)), _MAX_OPCODES
        ):
            yield opcode.name, argument
    except (ValueError, OverflowError):
        return  # cut short or damaged: whoever loads it says so
