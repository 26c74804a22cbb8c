"""What a module imports when it is itself imported, read from its bytecode."""

import dis
from collections.abc import Iterator
from types import CodeType
from typing import NamedTuple

_RUNTIME = "_deferred_imports"
"""The name in modules whose imports `packager.packages.deferral` has put off."""
_PLAIN_ROW = 4
"""Of a deferred import: name, module, attribute, level. A longer one has what stands in."""


class Import(NamedTuple):
    """One import statement."""

    module: str
    """As written; empty for `from . import x`."""
    names: tuple[str, ...]
    """What it takes from the module; empty for `import module`."""
    level: int
    """How many dots a relative one has."""


def surely_imported(code: CodeType) -> Iterator[Import]:
    """Yield the imports without which the module cannot be used.

    Those that stand under a condition, in a `try` or in a function may fail; they are left out.
    Imports that were deferred stood alone before, unless they say what stands in for them.
    """
    # What precedes an argument over 255 stands between an instruction and those that belong to it.
    instructions = [item for item in dis.get_instructions(code) if item.opname != "EXTENDED_ARG"]
    spared = list(_guarded(code))
    for index, found in enumerate(instructions):
        if found.opname.startswith("RETURN_"):
            break  # what the compiler has put behind the end is run under a condition
        if found.opcode in _JUMPS and found.argval > found.offset:
            spared.append((found.offset, found.argval))
        is_sure = not any(start <= found.offset < end for start, end in spared)
        if found.opname == "IMPORT_NAME" and is_sure:
            level, names = (item.argval for item in instructions[index - 2 : index])
            yield Import(found.argval, tuple(names or ()), level)
    if _RUNTIME in code.co_consts:
        yield from _deferred(code)


def _guarded(code: CodeType) -> Iterator[tuple[int, int]]:
    """Yield where an exception would be caught, as offsets from and to."""
    parse = dis._parse_exception_table  # type: ignore[attr-defined]
    yield from ((entry.start, entry.end) for entry in parse(code))


def _deferred(code: CodeType) -> Iterator[Import]:
    for constant in code.co_consts:
        if not isinstance(constant, tuple):
            continue
        for row in constant:
            if isinstance(row, tuple) and len(row) == _PLAIN_ROW and isinstance(row[3], int):
                _, module, attribute, level = row
                yield Import(module, (attribute,) if attribute else (), level)


_JUMPS = frozenset((*dis.hasjrel, *dis.hasjabs))
