import subprocess
import sys
from pathlib import Path

import pytest

from packager.aws.runtimes import host_architecture
from packager.packages.elf import is_loadable
from packager.packages.gpu_code import GpuRule, remove_gpu_code, without_gpu_code

KERNELS_BYTES = 3_000_000
SOURCE = """
__attribute__((used, section(".nv_fatbin"))) static const unsigned char kernels[%d] = {7, 8};
static const char text[] = "after the kernels";
static int counter = 41;
const void *at_start(void) { return kernels; }
const char *words(void) { return text; }
int count(void) { return ++counter; }
unsigned long sum(void) {
    unsigned long total = 0;
    for (long i = 0; i < sizeof kernels; i++) total += ((volatile unsigned char *)kernels)[i];
    return total;
}
"""
ASK = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
library.words.restype = ctypes.c_char_p
library.sum.restype = ctypes.c_ulong
print(library.words().decode(), library.count(), library.sum())
"""


def build(folder: Path, source: str) -> Path:
    """Compile a shared library with the linker that CatBoost's was linked with."""
    (folder / "library.c").write_text(source)
    target = {"x86_64": "x86_64", "arm64": "aarch64"}[host_architecture() or "x86_64"]
    command = [sys.executable, "-m", "ziglang", "cc", "-target", f"{target}-linux-gnu.2.17"]
    library = folder / "library.so"
    subprocess.run(
        [*command, "-shared", "-fPIC", "-O1", "-o", str(library), str(folder / "library.c")],
        check=True,
    )
    return library


def ask(library: Path) -> str:
    # In a process of its own: a broken library ends it.
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(library)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("library"), SOURCE % KERNELS_BYTES)


def test_a_library_without_its_gpu_code_is_smaller_and_works_as_before(
    library: Path, tmp_path: Path
) -> None:
    assert ask(library) == "after the kernels 42 15"
    (tmp_path / "package").mkdir()
    copy = tmp_path / "package" / "library.so"
    copy.write_bytes(library.read_bytes())

    saved_bytes = remove_gpu_code(tmp_path, GpuRule("package/*.so", "no GPU"))

    assert copy.stat().st_size == library.stat().st_size - saved_bytes
    assert saved_bytes > KERNELS_BYTES - 200_000
    assert is_loadable(copy.read_bytes())
    # Where the code was there are zeros, and all else is where it was.
    assert ask(copy) == "after the kernels 42 0"


def test_there_is_nothing_to_take_a_second_time(library: Path) -> None:
    once = without_gpu_code(library.read_bytes())

    assert once is not None
    assert without_gpu_code(once) is None


def test_a_library_without_gpu_code_stays_as_it_is(tmp_path: Path) -> None:
    library = build(tmp_path, (SOURCE % 1000).replace(".nv_fatbin", ".nv_other"))

    assert without_gpu_code(library.read_bytes()) is None


@pytest.mark.parametrize("damage", ["no elf", "cut short", "no sections"])
def test_what_cannot_be_read_stays_as_it_is(library: Path, damage: str) -> None:
    elf = library.read_bytes()
    damaged = {
        "no elf": b"MZ" + elf[2:],
        "cut short": elf[:-100],
        "no sections": elf[:40] + bytes(8) + elf[48:60] + bytes(4) + elf[64:],
    }

    assert without_gpu_code(damaged[damage]) is None
