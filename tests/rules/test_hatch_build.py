"""The native library of the trees: made for Lambda's processors, needing nothing there."""

import subprocess
import sys
from pathlib import Path

import handler.engines
from packager.packages.elf import read_elf

ROOT = Path(__file__).parents[2]
NATIVE = Path(handler.engines.__file__).with_name("native")


def test_the_libraries_need_no_other_and_no_symbol_of_any_libc() -> None:
    for architecture in ("x86_64", "arm64"):
        elf = read_elf((NATIVE / f"trees-{architecture}.so").read_bytes())

        assert elf.architecture == architecture
        assert elf.needed == ()
        assert elf.needed_versions == ()


def test_what_is_up_to_date_is_not_built_again() -> None:
    before = [path.stat().st_mtime_ns for path in sorted(NATIVE.iterdir())]

    subprocess.run([sys.executable, str(ROOT / "hatch_build.py")], check=True)

    assert [path.stat().st_mtime_ns for path in sorted(NATIVE.iterdir())] == before
