import ctypes
import importlib.util
import os
import shutil
import struct
from pathlib import Path

import pytest

from packager.aws.runtimes import find_target, host_architecture
from packager.packages.elf import is_loadable
from packager.packages.strip import strip_libraries, strip_version
from tests.support.commands import THIS_PYTHON

HERE = find_target(f"python{THIS_PYTHON}", host_architecture() or "x86_64")
ELSEWHERE = find_target("python3.12", "arm64" if HERE.architecture == "x86_64" else "x86_64")

needs_strip = pytest.mark.skipif(strip_version(HERE) is None, reason="no binutils here")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A real extension module, as a wheel brings it."""
    package = importlib.util.find_spec("sklearn")
    assert package is not None
    assert package.origin is not None
    source = next((Path(package.origin).parent / "tree").glob("_tree*.so"))
    return Path(shutil.copy(source, tmp_path))


@needs_strip
def test_a_stripped_library_is_smaller_and_still_loads(library: Path) -> None:
    before_bytes = library.stat().st_size

    saved_bytes = strip_libraries(library.parent)

    assert library.stat().st_size == before_bytes - saved_bytes < before_bytes
    ctypes.CDLL(str(library))
    assert list(library.parent.iterdir()) == [library]


@needs_strip
def test_what_strip_cannot_read_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "odd.so").write_bytes(b"\x7fELF, or so it says")

    assert strip_libraries(tmp_path) == 0
    assert (tmp_path / "odd.so").read_bytes() == b"\x7fELF, or so it says"


def test_libraries_of_another_architecture_are_left_to_a_strip_that_knows_them() -> None:
    assert strip_version(ELSEWHERE) is None


@pytest.mark.parametrize(
    ("says", "is_taken"),
    [
        ("GNU strip (GNU Binutils for Debian) 2.40", True),
        ("llvm-strip, compatible with GNU strip\nLLVM version 19.1.7", False),
    ],
)
def test_only_binutils_own_strip_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, is_taken: bool
) -> None:
    program = tmp_path / "strip"
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert (strip_version(HERE) is not None) == is_taken


def test_a_file_whose_segments_a_loader_would_refuse_is_told(library: Path) -> None:
    elf = bytearray(library.read_bytes())
    assert is_loadable(bytes(elf))
    (headers,) = struct.unpack_from("<Q", elf, 32)
    count = struct.unpack_from("<H", elf, 56)[0]
    load = next(
        position
        for position in range(headers, headers + count * 56, 56)
        if struct.unpack_from("<I", elf, position)[0] == 1
    )
    struct.pack_into("<Q", elf, load + 8, 12345)  # an offset that fits no page

    assert not is_loadable(bytes(elf))
    assert not is_loadable(library.read_bytes()[:2000])
