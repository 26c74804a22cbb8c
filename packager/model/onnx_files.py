"""Find the files that an ONNX model keeps its tensors in, without the `onnx` package.

Source: `onnx/onnx.proto` (ONNX 1.23) and the encoding of protocol buffers. Only the fields
that lead to a tensor are followed; everything else is skipped unread, so the weights never
come into memory.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

_Field = tuple[int, memoryview]

# Numbers of the fields that hold messages with tensors in them, by message.
_FIELDS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse tensor",
        23: "sparse tensor",
    },
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_KEY, _VALUE = 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_DEPTH = 100
"""Messages in messages: protocol buffers' own limit."""


def read_external_files(path: Path) -> tuple[str, ...]:
    """Return the names of the external data files, relative to the model's file, sorted.

    :raises ValueError: the file is not an ONNX model.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise ValueError("it is empty")
        # Closed with the last view into it: closing it here would fail while one is left.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return tuple(sorted(set(_locations(memoryview(mapped), "model"))))


def _locations(message: memoryview, kind: str, depth: int = 0) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise ValueError("its messages are nested too deeply")
    if kind == "entry":
        entry = dict(_fields(message))
        if bytes(entry.get(_KEY, b"")) == b"location":
            yield bytes(entry.get(_VALUE, b"")).decode("utf-8")
        return
    for number, content in _fields(message):
        inner = _FIELDS[kind].get(number)
        if inner is not None:
            yield from _locations(content, inner, depth + 1)


def _fields(message: memoryview) -> Iterator[_Field]:
    """Yield number and content of the fields that have a length: strings and messages."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise ValueError(f"byte {position} starts no field")
        if wire_type == _VARINT:
            _, position = _varint(message, position)
        elif wire_type == _BYTES:
            size, position = _varint(message, position)
            if position + size > len(message):
                raise ValueError("it is cut off")
            yield number, message[position : position + size]
            position += size
        elif wire_type in (_FIXED32, _FIXED64):
            position += 4 if wire_type == _FIXED32 else 8
        else:
            raise ValueError(f"byte {position} starts no field")
    if position > len(message):
        raise ValueError("it is cut off")


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(message) and shift < 64:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("it is cut off")
