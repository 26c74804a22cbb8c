"""What a bare model file is, found out without running any of it."""

import bz2
import gzip
import json
import lzma
import mmap
import pickletools
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, cast

from packager.errors import ModelError, ToolMissing, install_hint
from packager.support.filebytes import mapped
from packager.support.malformed import COMPRESSION_ERRORS, ZIP_ERRORS

_SCANNED_OPCODES = 500_000
"""Enough for large models; a longer pickle is checked at its ends only."""

# Estimators keep the version that wrote them in their state (sklearn/base.py).
_VERSION = r"(\d+\.\d+(?:\.\d+)?(?:(?:rc|a|b|\.post|\.dev)\d+)?)"
_VERSION_IN_PICKLE = re.compile(rb"_sklearn_version.{1,12}?" + _VERSION.encode(), re.DOTALL)
_VERSION_IN_SKOPS = re.compile(
    r'"_sklearn_version":\s*\{[^{}]*?"content":\s*"\\"' + _VERSION + r'\\""'
)

# joblib's compressors by their magic bytes (joblib/compressor.py); zlib has four levels.
_DECOMPRESSORS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", gzip.decompress),
    (b"BZh", bz2.decompress),
    (b"\xfd7zXZ", lzma.decompress),
    (b"\x5d\x00", lzma.decompress),
    *((b"\x78" + level, zlib.decompress) for level in (b"\x01", b"\x5e", b"\x9c", b"\xda")),
)


@dataclass(frozen=True)
class BareFile:
    """What was found out about a bare model file."""

    serialization_format: str
    sklearn_version: str | None
    """The version that wrote it, when the file records that."""


def sniff_bare_file(path: Path) -> BareFile:
    """Return the format of a pickle, `.joblib` or `.skops` file, from its bytes.

    :raises ModelError: it is empty, cut short or something else.
    """
    if path.stat().st_size == 0:
        raise ModelError(f"{path} is empty")
    if path.suffix == ".skops":
        return _sniff_skops(path)
    with mapped(path) as data:
        magic = bytes(data[:8])
        for prefix, decompress in _DECOMPRESSORS:
            if magic.startswith(prefix):
                content = _decompress(path, bytes(data), decompress)
                return BareFile("joblib", _check_pickle(path, content).sklearn_version)
        found = _check_pickle(path, data)
    if path.suffix == ".joblib":
        # Without arrays inside, joblib writes a plain pickle; its loader reads both.
        return BareFile("joblib", found.sklearn_version)
    return found


def search_pickle(path: Path, pattern: re.Pattern[bytes]) -> str | None:
    """Return the pattern's first group in an uncompressed file of at least one byte."""
    with mapped(path) as data:
        found = pattern.search(data)
        return found[1].decode() if found else None


def check_trusted_types(path: Path, trusted_types: Sequence[str]) -> None:
    """Check that skops may construct all that the file names.

    :raises ModelError: lists the types that are not trusted.
    :raises ToolMissing: skops is not installed.
    """
    try:
        # Imports all of scikit-learn: seconds that only a bare skops file needs.
        from skops.io import get_untrusted_types
    except ImportError as error:
        raise ToolMissing("skops, which reads .skops files,", install_hint("sklearn")) from error
    try:
        found = set(get_untrusted_types(file=path))
    # A hand-made schema can fail anywhere inside skops.
    except Exception as error:
        raise ModelError(f"{path} cannot be read by skops: {error}") from error
    missing = sorted(found - set(trusted_types))
    if missing:
        raise ModelError(
            f"{path} names types that skops does not trust: {', '.join(missing)}",
            hint="If you know the file's origin, add "
            + " ".join(f"--trust {name}" for name in missing)
            + ".",
        )


def _sniff_skops(path: Path) -> BareFile:
    try:
        with zipfile.ZipFile(path) as archive:
            schema = archive.read("schema.json").decode("utf-8")
        json.loads(schema)
    except ZIP_ERRORS as error:
        raise ModelError(f"{path} is not a skops file, or is damaged: {error}") from error
    match = _VERSION_IN_SKOPS.search(schema)
    return BareFile("skops", match[1] if match else None)


def _check_pickle(path: Path, data: bytes | mmap.mmap) -> BareFile:
    """Read the pickle as a list of opcodes, which executes nothing."""
    if data[:1] != b"\x80":
        raise ModelError(f"{path} is not a pickle", hint="Pickle protocols below 2 are not read.")
    if data[-1:] != b".":
        raise ModelError(f"{path} is cut short: a pickle ends in a STOP opcode")
    match = _VERSION_IN_PICKLE.search(data)
    version = match[1].decode() if match else None
    if data.find(b"joblib.numpy_pickle", 0) >= 0:
        # joblib writes raw arrays between the opcodes: a list of opcodes ends at the first.
        return BareFile("joblib", version)
    try:
        for _ in islice(pickletools.genops(cast("IO[bytes]", data)), _SCANNED_OPCODES):
            pass
    except (ValueError, OverflowError) as error:
        raise ModelError(f"{path} is damaged: {error}") from error
    # From 0: a mmap searches from where it was last read otherwise.
    is_cloudpickle = data.find(b"cloudpickle.cloudpickle", 0) >= 0
    return BareFile("cloudpickle" if is_cloudpickle else "pickle", version)


def _decompress(path: Path, data: bytes, decompress: Callable[[bytes], bytes]) -> bytes:
    try:
        return decompress(data)
    except (ValueError, *COMPRESSION_ERRORS) as error:
        raise ModelError(f"{path} is damaged: {error}") from error
