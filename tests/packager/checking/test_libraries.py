"""Libraries that do not load on the target: each is named, with what to do."""

from pathlib import Path

import pytest

from packager.checking.story import check_bundle
from tests.support.checked import static, wheel, write_bundle
from tests.support.elf_files import AARCH64, X86_64, make_elf


@pytest.mark.parametrize(
    ("machine", "architecture", "found"),
    [(X86_64, "arm64", "x86_64"), (AARCH64, "x86_64", "arm64")],
)
def test_a_library_for_another_machine_is_named_with_its_package(
    tmp_path: Path, machine: int, architecture: str, found: str
) -> None:
    files = {**wheel("fast", "1.0"), "fast/core.so": make_elf(machine)}

    failed = static(write_bundle(tmp_path, files, architecture=architecture))

    assert set(failed) == {"architecture"}
    assert "fast 1.0: fast/core.so is for" in failed["architecture"]
    assert f"for {found}, the target is {architecture}" in failed["architecture"]
    assert f"--architecture {found}" in failed["architecture"]


@pytest.mark.parametrize(
    ("runtime", "library", "version", "has", "way"),
    [
        ("python3.11", "libc.so.6", "GLIBC_2.28", "GLIBC_2.26", "python3.12 or newer"),
        ("python3.12", "libc.so.6", "GLIBC_2.35", "GLIBC_2.34", "manylinux_2_34_x86_64 or older"),
        ("python3.11", "libstdc++.so.6", "GLIBCXX_3.4.29", "GLIBCXX_3.4.24", "python3.12"),
        ("python3.12", "libstdc++.so.6", "CXXABI_1.3.15", "CXXABI_1.3.13", "manylinux_2_34"),
        ("python3.12", "libc.so.6", "GLIBC_ABI_DT_RELR", "GLIBC_2.34", "manylinux_2_34"),
    ],
)
def test_a_library_for_a_newer_system_says_which_version_and_which_way_out(
    tmp_path: Path, runtime: str, library: str, version: str, has: str, way: str
) -> None:
    elf = make_elf(needed=[library], versions={library: ["GLIBC_2.2.5", version]})
    files = {**wheel("fast", "1.0"), "fast/core.so": elf}

    failed = static(write_bundle(tmp_path, files, runtime=runtime))

    assert set(failed) == {"symbol versions"}
    wanted = version.replace("GLIBC_ABI_DT_RELR", "GLIBC_2.36")
    assert (
        f"fast 1.0: fast/core.so is compiled for a newer system: wanted {wanted} in {library}"
        in (failed["symbol versions"])
    )
    assert f"has up to {has}" in failed["symbol versions"]
    assert way in failed["symbol versions"]


def test_a_newer_symbol_version_of_a_bundled_library_is_no_problem(tmp_path: Path) -> None:
    files = {
        "fast/core.so": make_elf(
            needed=["libstdc++.so.6"],
            rpath="$ORIGIN/../fast.libs",
            versions={"libstdc++.so.6": ["GLIBCXX_3.4.32"]},
        ),
        "fast.libs/libstdc++.so.6": make_elf(),
    }

    assert static(write_bundle(tmp_path, files)) == {}


def test_a_library_that_nobody_provides_says_who_needs_it(tmp_path: Path) -> None:
    files = {
        **wheel("lightgbm", "4.6.0"),
        **wheel("opencv_python", "4.12", "cp37-abi3-manylinux2014_x86_64"),
        "lightgbm/lib/lib_lightgbm.so": make_elf(needed=["libgomp.so.1"]),
        "cv2/cv2.abi3.so": make_elf(needed=["libGL.so.1"]),
    }

    failed = static(write_bundle(tmp_path, files))

    assert set(failed) == {"shared libraries"}
    text = failed["shared libraries"]
    assert "libgomp.so.1 is neither in the bundle nor on Lambda" in text
    assert "needed by lightgbm/lib/lib_lightgbm.so (lightgbm 4.6.0)" in text
    assert "--with scikit-learn" in text
    assert "libGL.so.1" in text
    assert "cv2/cv2.abi3.so" in text
    assert "--package image" in text


def test_a_library_that_its_package_can_do_without_is_mentioned_and_no_problem(
    tmp_path: Path,
) -> None:
    name = "numba/np/ufunc/tbbpool.cpython-311-x86_64-linux-gnu.so"

    report = check_bundle(
        write_bundle(tmp_path, {name: make_elf(needed=["libtbb.so.12"])}), is_static=True
    )

    assert report.is_ok
    (detail,) = [entry.detail for entry in report.entries if entry.name == "shared libraries"]
    assert f"libtbb.so.12 is not there for {name}: numba has other thread pools" in detail


def test_a_library_in_lib_is_found_as_on_lambda(tmp_path: Path) -> None:
    files = {"a/b.so": make_elf(needed=["libgomp.so.1"]), "lib/libgomp.so.1": make_elf()}

    assert static(write_bundle(tmp_path, files)) == {}


def test_an_elf_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    failed = static(write_bundle(tmp_path, {"a/b.so": make_elf()[:100]}))

    assert "a/b.so" in failed["architecture"]
    assert "cannot be read as an ELF file" in failed["architecture"]
