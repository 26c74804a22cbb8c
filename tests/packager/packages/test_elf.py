from pathlib import Path

import pytest

from packager.aws.runtimes import host_architecture
from packager.packages.elf import ElfDamaged, SymbolVersion, read_elf, version_number
from tests.support.elf_files import AARCH64, RISCV, make_elf


def test_a_compiled_module_of_an_installed_wheel_tells_what_it_needs() -> None:
    import numpy

    folder = Path(numpy.__file__).parent / "_core"
    elf = read_elf(next(folder.glob("_multiarray_umath.*.so")).read_bytes())

    assert elf.architecture == host_architecture()
    assert "libc.so.6" in elf.needed
    assert any("numpy.libs" in path for path in elf.search_paths)
    assert any(version.name.startswith("GLIBC_2.") for version in elf.needed_versions)


def test_a_library_without_section_headers_is_read_as_the_loader_reads_it() -> None:
    elf = read_elf(
        make_elf(
            AARCH64,
            needed=["libc.so.6", "libfoo-0123abcd.so.1"],
            runpath="$ORIGIN/../foo.libs:/opt/foo",
            soname="libbar.so.2",
            versions={"libc.so.6": ["GLIBC_2.17", "GLIBC_2.35"], "libfoo-0123abcd.so.1": ["FOO_1"]},
            defined=["libbar.so.2", "BAR_2.0"],
        )
    )

    assert elf.architecture == "arm64"
    assert elf.needed == ("libc.so.6", "libfoo-0123abcd.so.1")
    assert elf.search_paths == ("$ORIGIN/../foo.libs", "/opt/foo")
    assert not elf.is_searched_first
    assert elf.needed_versions == (
        SymbolVersion("libc.so.6", "GLIBC_2.17"),
        SymbolVersion("libc.so.6", "GLIBC_2.35"),
        SymbolVersion("libfoo-0123abcd.so.1", "FOO_1"),
    )
    assert elf.defined_versions == {"libbar.so.2", "BAR_2.0"}


def test_a_machine_that_lambda_does_not_have_keeps_its_own_name() -> None:
    assert read_elf(make_elf(RISCV)).architecture == "riscv"


@pytest.mark.parametrize("length", [4, 20, 64, 130, 200])
def test_a_truncated_file_is_damaged_and_not_a_crash(length: int) -> None:
    whole = make_elf(needed=["libc.so.6"], versions={"libc.so.6": ["GLIBC_2.17"]})

    with pytest.raises(ElfDamaged):
        read_elf(whole[:length])


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("GLIBC_2.2.5", ("GLIBC", (2, 2, 5))),
        ("GLIBCXX_3.4.29", ("GLIBCXX", (3, 4, 29))),
        ("GLIBC_ABI_DT_RELR", ("GLIBC", (2, 36))),
        ("GLIBC_PRIVATE", None),
        ("CXXABI_FLOAT128", None),
    ],
)
def test_symbol_versions_are_compared_as_numbers(
    name: str, number: tuple[str, tuple[int, ...]] | None
) -> None:
    assert version_number(name) == number
