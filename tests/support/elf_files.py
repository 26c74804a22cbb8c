"""ELF shared libraries, tiny, written byte by byte: nothing in them but what a loader reads."""

import struct
from collections.abc import Mapping, Sequence

X86_64, AARCH64, RISCV = 62, 183, 243
_DT = {"NEEDED": 1, "STRTAB": 5, "SONAME": 14, "RPATH": 15, "RUNPATH": 29}
_DT_VERDEF, _DT_VERDEFNUM, _DT_VERNEED, _DT_VERNEEDNUM = (
    0x6FFFFFFC,
    0x6FFFFFFD,
    0x6FFFFFFE,
    0x6FFFFFFF,
)
_HEADER_BYTES = 64 + 2 * 56


def make_elf(
    machine: int = X86_64,
    *,
    needed: Sequence[str] = (),
    runpath: str | None = None,
    rpath: str | None = None,
    soname: str | None = None,
    versions: Mapping[str, Sequence[str]] | None = None,
    defined: Sequence[str] = (),
) -> bytes:
    """Return a shared library (64 bits, little-endian) without code and without sections.

    :param versions: symbol versions that it needs, by library.
    :param defined: symbol versions that it defines.
    """
    strings = _Strings()
    tags = [(_DT["NEEDED"], strings.add(name)) for name in needed]
    for tag, text in (("RUNPATH", runpath), ("RPATH", rpath), ("SONAME", soname)):
        if text is not None:
            tags.append((_DT[tag], strings.add(text)))
    verneed = _verneed(versions or {}, strings)
    verdef = _verdef(defined, strings)
    count = len(tags) + 1 + (2 if verneed else 0) + (2 if verdef else 0) + 1
    at_verneed = _HEADER_BYTES + 16 * count
    at_verdef = at_verneed + len(verneed)
    at_strings = at_verdef + len(verdef)
    tags.append((_DT["STRTAB"], at_strings))
    if verneed:
        tags += [(_DT_VERNEED, at_verneed), (_DT_VERNEEDNUM, len(versions or {}))]
    if verdef:
        tags += [(_DT_VERDEF, at_verdef), (_DT_VERDEFNUM, len(defined))]
    tags.append((0, 0))
    dynamic = b"".join(struct.pack("<QQ", *tag) for tag in tags)
    body = dynamic + verneed + verdef + strings.data
    size = _HEADER_BYTES + len(body)
    ident = b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 4096)
    at = _HEADER_BYTES
    segment = struct.pack("<IIQQQQQQ", 2, 6, at, at, at, len(dynamic), len(dynamic), 8)
    return header + load + segment + body


class _Strings:
    def __init__(self) -> None:
        self.data = b"\0"

    def add(self, text: str) -> int:
        offset = len(self.data)
        self.data += text.encode() + b"\0"
        return offset


def _verneed(versions: Mapping[str, Sequence[str]], strings: _Strings) -> bytes:
    table = b""
    for index, (library, names) in enumerate(versions.items()):
        following = 0 if index == len(versions) - 1 else 16 + 16 * len(names)
        table += struct.pack("<HHIII", 1, len(names), strings.add(library), 16, following)
        for number, name in enumerate(names):
            step = 0 if number == len(names) - 1 else 16
            table += struct.pack("<IHHII", 0, 0, 2 + number, strings.add(name), step)
    return table


def _verdef(names: Sequence[str], strings: _Strings) -> bytes:
    table = b""
    for index, name in enumerate(names):
        following = 0 if index == len(names) - 1 else 28
        table += struct.pack("<HHHHIII", 1, 0, 1 + index, 1, 0, 20, following)
        table += struct.pack("<II", strings.add(name), 0)
    return table
