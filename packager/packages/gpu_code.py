"""Take the code for GPUs out of shared libraries: Lambda has none.

A library that was built with CUDA carries its kernels in a section of its own, which nothing reads
before a GPU is found. CatBoost's takes 224 of 277 MB, more than the rest of a bundle. The
section's bytes leave the file; all addresses stay as they are, for the segment around it becomes
two, of which the first ends in zeros as a `.bss` does.

Source: ELF-64 object file format; program headers in glibc's `elf/dl-load.c`, which needs no
PT_PHDR of a library.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

_CODE = b".nv_fatbin"
_PT_LOAD, _PT_PHDR = 1, 6
_SHT_NOBITS = 8
_HEADER = struct.Struct("<32xQQ6xHHHHH")
"""Of the file: offsets of both tables; bytes and number of the entries of each; which section
has the names."""
_SECTIONS_OFFSET = 40
"""Where the file's header has the offset of the sections' table."""


@dataclass(frozen=True)
class GpuRule:
    """A library that was tried without its code for GPUs: it loads and predicts the same."""

    glob: str
    """Relative to the staging dir."""
    reason: str


GPU_RULES = (GpuRule("catboost/_catboost.so", "code for GPUs, which Lambda does not have"),)


class _Segment(NamedTuple):
    kind: int
    flags: int
    offset: int
    address: int
    physical: int
    file_bytes: int
    memory_bytes: int
    alignment: int

    def from_offset(self, offset: int) -> Self:
        """Return the part of it that begins there."""
        skipped = offset - self.offset
        return self._replace(
            offset=offset,
            address=self.address + skipped,
            physical=self.physical + skipped,
            file_bytes=self.file_bytes - skipped,
            memory_bytes=self.memory_bytes - skipped,
        )


class _Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_bytes: int


_Row = TypeVar("_Row", _Segment, _Section)
_SEGMENT, _SECTION = struct.Struct("<IIQQQQQQ"), struct.Struct("<IIQQQQIIQQ")


def remove_gpu_code(staging: Path, rule: GpuRule) -> int:
    """Rewrite the libraries that the rule names, and return the bytes saved."""
    saved_bytes = 0
    for library in sorted(staging.glob(rule.glob)):
        before = library.read_bytes()
        after = without_gpu_code(before)
        if after is not None:
            library.write_bytes(after)
            saved_bytes += len(before) - len(after)
    return saved_bytes


def without_gpu_code(elf: bytes) -> bytes | None:
    """Return a shared library without its code for GPUs; None where there is nothing to take.

    64-bit little-endian files only, as all of Lambda's are. A stripped file has to have kept its
    table of sections.
    """
    if elf[:6] != b"\x7fELF\x02\x01" or len(elf) < _HEADER.size:
        return None
    segments_at, sections_at, _, segments_count, _, sections_count, names = _HEADER.unpack_from(elf)
    segments = [_Segment(*row) for row in _rows(elf, _SEGMENT, segments_at, segments_count)]
    sections = [_Section(*row) for row in _rows(elf, _SECTION, sections_at, sections_count)]
    code = _find_code(elf, sections, names)
    loads = [item for item in segments if item.kind == _PT_LOAD]
    around = next((item for item in loads if code and _holds(item, code)), None)
    # The entry of the table itself makes room for the second half.
    if code is None or around is None or segments[0].kind != _PT_PHDR:
        return None
    start = -(-code.offset // around.alignment) * around.alignment
    end = (code.offset + code.size) // around.alignment * around.alignment
    if end <= start or sections_at < end:
        return None
    removed = end - start
    out = bytearray(elf[: code.offset].ljust(start, b"\0") + elf[end:])
    struct.pack_into("<Q", out, _SECTIONS_OFFSET, sections_at - removed)
    halves = _halves(around, code.offset, end)
    kept = [half for item in segments[1:] for half in (halves if item is around else (item,))]
    _write(out, _SEGMENT, segments_at, [_moved(item, end, removed) for item in kept])
    empty = [item._replace(kind=_SHT_NOBITS) if item is code else item for item in sections]
    _write(out, _SECTION, sections_at - removed, [_moved(item, end, removed) for item in empty])
    return bytes(out)


def _rows(elf: bytes, row: struct.Struct, offset: int, count: int) -> list[tuple[int, ...]]:
    table = elf[offset : offset + count * row.size]
    return list(row.iter_unpack(table)) if len(table) == count * row.size else []


def _find_code(elf: bytes, sections: list[_Section], names: int) -> _Section | None:
    if names >= len(sections):
        return None
    texts = sections[names].offset
    found = (
        item
        for item in sections
        if item.kind != _SHT_NOBITS and elf.startswith(_CODE + b"\0", texts + item.name)
    )
    return next(found, None)


def _holds(segment: _Segment, section: _Section) -> bool:
    return segment.offset <= section.offset < segment.offset + segment.file_bytes


def _halves(segment: _Segment, code: int, end: int) -> tuple[_Segment, _Segment]:
    """Return what is before the code, up to `end` in memory, and what is behind it."""
    before = segment._replace(file_bytes=code - segment.offset, memory_bytes=end - segment.offset)
    return before, segment.from_offset(end)


def _moved(item: _Row, end: int, removed: int) -> _Row:
    return item._replace(offset=item.offset - removed) if item.offset >= end else item


def _write(
    out: bytearray, row: struct.Struct, offset: int, items: list[_Segment] | list[_Section]
) -> None:
    for number, item in enumerate(items):
        row.pack_into(out, offset + number * row.size, *item)
