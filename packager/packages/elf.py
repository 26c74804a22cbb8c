"""What a compiled library needs of the system and of other libraries, read from its ELF file.

Read the way the dynamic loader does, from the segments: a stripped file has no sections.
"""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.common.utils import parse_cstring_from_stream, struct_parse
from elftools.construct import ConstructError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

MAGIC = b"\x7fELF"
# e_machine, as Lambda names its architectures.
_ARCHITECTURES = {"EM_X86_64": "x86_64", "EM_AARCH64": "arm64"}
_DAMAGES = (ELFError, ConstructError, ValueError, AssertionError, OverflowError)
_WEAK = 0x2  # VER_FLG_WEAK: its absence only makes the loader warn


class ElfDamaged(Exception):
    """The file starts as an ELF file and does not go on as one."""


@dataclass(frozen=True)
class SymbolVersion:
    """A symbol version that a file needs, as GLIBC_2.17 of libc.so.6."""

    library: str
    """The library that must define it, by the name that the file needs it under."""
    name: str


@dataclass(frozen=True)
class Elf:
    """The part of an ELF file that decides whether it loads."""

    architecture: str
    """Lambda's identifier, or ELF's own for a machine that Lambda does not have."""
    needed: tuple[str, ...] = ()
    """Names of the libraries that are loaded with it (DT_NEEDED)."""
    search_paths: tuple[str, ...] = ()
    """Where else they are looked for (DT_RUNPATH, else DT_RPATH); may start with $ORIGIN."""
    is_searched_first: bool = False
    """The search paths come before the system's (DT_RPATH), not after them (DT_RUNPATH)."""
    needed_versions: tuple[SymbolVersion, ...] = ()
    defined_versions: frozenset[str] = frozenset()


def read_elf(data: bytes) -> Elf:
    """Read a file that starts with :data:`MAGIC`.

    :raises ElfDamaged: it cannot be read.
    """
    try:
        return _read(ELFFile(io.BytesIO(data)))
    except _DAMAGES as error:
        raise ElfDamaged(str(error) or type(error).__name__) from error


def is_loadable(data: bytes) -> bool:
    """Tell whether a loader can map the file: offsets and addresses agree in each segment.

    Source: ELF specification, "Program Header": `p_vaddr` and `p_offset` are congruent modulo
    the alignment.
    """
    try:
        found = ELFFile(io.BytesIO(data)).iter_segments("PT_LOAD")
        segments = [segment.header for segment in found]
    except _DAMAGES:
        return False
    return bool(segments) and all(
        (part.p_offset - part.p_vaddr) % max(part.p_align, 1) == 0
        and part.p_offset + part.p_filesz <= len(data)
        for part in segments
    )


def version_number(name: str) -> tuple[str, tuple[int, ...]] | None:
    """Return family and number of a symbol version, as `GLIBC` and (2, 17).

    None for those without a number, as GLIBC_PRIVATE.
    """
    if name == "GLIBC_ABI_DT_RELR":  # packed relocations: glibc 2.36
        return "GLIBC", (2, 36)
    found = re.fullmatch(r"([A-Z]+)_(\d+(?:\.\d+)*)", name)
    return (found[1], tuple(int(part) for part in found[2].split("."))) if found else None


def _read(file: ELFFile) -> Elf:
    machine = file.header.e_machine
    architecture = _ARCHITECTURES.get(machine, str(machine).removeprefix("EM_").lower())
    segments = (item for item in file.iter_segments() if isinstance(item, DynamicSegment))
    dynamic = next(segments, None)
    if dynamic is None:  # a program or an object file that needs no library
        return Elf(architecture)
    names: dict[str, list[str]] = {}
    for tag in dynamic.iter_tags():
        kind = str(tag.entry.d_tag)
        if kind in ("DT_NEEDED", "DT_RPATH", "DT_RUNPATH"):
            names.setdefault(kind, []).append(getattr(tag, kind.removeprefix("DT_").lower()))
    paths = names.get("DT_RUNPATH") or names.get("DT_RPATH") or []
    return Elf(
        architecture,
        needed=tuple(names.get("DT_NEEDED", ())),
        search_paths=tuple(part for path in paths for part in path.split(":") if part),
        is_searched_first="DT_RUNPATH" not in names,
        needed_versions=tuple(_needed_versions(file, dynamic)),
        defined_versions=frozenset(_defined_versions(file, dynamic)),
    )


def _needed_versions(file: ELFFile, dynamic: DynamicSegment) -> Iterator[SymbolVersion]:
    text = _strings(file, dynamic)
    for offset, entry in _chain(file, dynamic, "DT_VERNEED", file.structs.Elf_Verneed, "vn"):
        library = text(entry.vn_file)
        at = offset + entry.vn_aux
        for _ in range(entry.vn_cnt):
            item = struct_parse(file.structs.Elf_Vernaux, file.stream, at)
            if not item.vna_flags & _WEAK:
                yield SymbolVersion(library, text(item.vna_name))
            at += item.vna_next


def _defined_versions(file: ELFFile, dynamic: DynamicSegment) -> Iterator[str]:
    text = _strings(file, dynamic)
    for offset, entry in _chain(file, dynamic, "DT_VERDEF", file.structs.Elf_Verdef, "vd"):
        item = struct_parse(file.structs.Elf_Verdaux, file.stream, offset + entry.vd_aux)
        yield text(item.vda_name)


def _chain(
    file: ELFFile, dynamic: DynamicSegment, table: str, struct: Any, prefix: str
) -> Iterator[tuple[int, Any]]:
    """Yield offset and content of each entry of a table whose entries name the next one."""
    _, offset = dynamic.get_table_offset(table)
    while offset is not None:
        entry = struct_parse(struct, file.stream, offset)
        yield offset, entry
        step = entry[f"{prefix}_next"]
        offset = offset + step if step else None


def _strings(file: ELFFile, dynamic: DynamicSegment) -> Callable[[int], str]:
    _, start = dynamic.get_table_offset("DT_STRTAB")
    if start is None:
        raise ElfDamaged("no string table")

    def text(offset: int) -> str:
        found = parse_cstring_from_stream(file.stream, start + offset)
        return (found or b"").decode("utf-8", errors="replace")

    return text
