"""What can be told of pickled files without loading them."""

import mmap
from pathlib import Path

# cloudpickle writes functions and classes that no module can import by value: bytecode.
_BYTECODE_MARKS = (b"_make_function", b"CodeType")


def holds_bytecode(path: Path) -> bool:
    """Tell whether the pickle brings bytecode, which only the Python that wrote it can run.

    False also where that cannot be seen: in compressed files.
    """
    if path.stat().st_size == 0:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return all(data.find(mark, 0) >= 0 for mark in _BYTECODE_MARKS)
