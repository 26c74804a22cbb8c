"""The modules that a model's file names, read without loading it."""

import _compat_pickle
import bz2
import gzip
import io
import json
import lzma
import pickletools
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import IO, Any

from packager.support.malformed import COMPRESSION_ERRORS, ZIP_ERRORS

_OPENERS: tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZ", bz2.BZ2File),
    (b"\xfd7", lzma.LZMAFile),
    (b"x", lambda file: io.BytesIO(zlib.decompress(file.read()))),
)
"""What reads a compressed file, by its first bytes."""
_NAMES_A_MODULE = "subimport"
"""cloudpickle's function that imports the module that a function's globals have."""
_MAX_OPCODES = 5_000_000
"""Seconds; what the rest names is seen when the function runs."""
_LAST_WITH_OLD_NAMES = 2
"""The last protocol in which modules have Python 2's names."""
_SKOPS_SCHEMA = "schema.json"


def modules_named(file: IO[bytes]) -> frozenset[str]:
    """Return the modules that loading this pickle, or skops file, imports by name.

    Of what is damaged, or is something else, those up to there.
    """
    if zipfile.is_zipfile(file):
        return frozenset(_of_skops(file))
    file.seek(0)
    start = file.read(2)
    file.seek(0)
    found: set[str] = set()
    try:
        for magic, opener in _OPENERS:
            if start.startswith(magic):
                file = opener(file)
        found.update(_of_pickle(file))
    except (ValueError, TypeError, OverflowError, *COMPRESSION_ERRORS):
        pass
    return frozenset(found - {"__main__"})


def _of_pickle(file: IO[bytes]) -> Iterator[str]:
    memo: dict[int, Any] = {}
    below: Any = None
    top: Any = None
    protocol = 0
    argument: Any
    for opcode, argument, _ in islice(pickletools.genops(file), _MAX_OPCODES):
        match opcode.name:
            case "PROTO":
                protocol = argument
            case "FRAME":
                pass
            case "MEMOIZE":
                memo[len(memo)] = top
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                memo[int(argument)] = top
            case "GET" | "BINGET" | "LONG_BINGET":
                below, top = top, memo.get(int(argument))
            case "GLOBAL" | "INST" | "STACK_GLOBAL":
                module, name = argument.split(" ", 1) if argument else (below, top)
                if isinstance(module, str):
                    yield _todays_name(module) if protocol <= _LAST_WITH_OLD_NAMES else module
                below, top = None, (module, name)
            case _:
                below, top = top, argument if isinstance(argument, str) else None
        if isinstance(below, tuple) and below[1] == _NAMES_A_MODULE and isinstance(top, str):
            yield top


def _todays_name(module: str) -> str:
    return _compat_pickle.IMPORT_MAPPING.get(module, module)


def _of_skops(file: IO[bytes]) -> Iterator[str]:
    try:
        with zipfile.ZipFile(file) as archive:
            waiting = [json.loads(archive.read(_SKOPS_SCHEMA))]
    except ZIP_ERRORS:
        return  # another kind of zip
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            module = item.get("__module__")
            if isinstance(module, str):
                yield module
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
