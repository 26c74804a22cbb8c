"""What can be told of pickled files without loading them."""

import bz2
import gzip
import lzma
import mmap
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from packager.support.malformed import COMPRESSION_ERRORS

# cloudpickle writes functions and classes that no module can import by value: bytecode, which it
# names by these two, in all of its versions.
_BYTECODE_MARKS = (b"_builtin_type", b"CodeType")
_PIECE = 1 << 24

_MODULES: dict[bytes, ModuleType] = {b"\x1f\x8b": gzip, b"BZ": bz2, b"\xfd7": lzma}
"""What reads a compressed file, by its first bytes."""


def holds_bytecode(path: Path) -> bool:
    """Tell whether the file is a pickle that brings bytecode.

    Only the Python that wrote it can run that.
    """
    return holds_marks(path, _BYTECODE_MARKS)


def holds_marks(path: Path, marks: Sequence[bytes]) -> bool:
    """Tell whether the file is a pickle with all of these in it.

    Compressed pickles are read as a whole.
    """
    with path.open("rb") as file:
        start = file.read(2)
        if start[:1] == b"\x80":
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return all(data.find(mark, 0) >= 0 for mark in marks)
    if start not in _MODULES:
        return False
    try:
        return _holds_compressed(path, _MODULES[start], marks)
    except COMPRESSION_ERRORS:
        return False  # loading it will say what is wrong


def _holds_compressed(path: Path, module: ModuleType, marks: Sequence[bytes]) -> bool:
    missing, end, longest = set(marks), b"", max(map(len, marks))
    with module.open(path, "rb") as file:
        while missing and (piece := file.read(_PIECE)):
            window = end + piece
            missing = {mark for mark in missing if mark not in window}
            end = window[-longest:]
    return not missing
