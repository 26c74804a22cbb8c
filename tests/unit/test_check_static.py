"""Poisoned bundles: each gets an error that names what is wrong, and what to do."""

import stat
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Any

import pytest

from handler.manifest import (
    MANIFEST_NAME,
    BundleManifest,
    FileEntry,
    ModelInfo,
    PackageEntry,
    PackageType,
    TargetInfo,
)
from packager import __version__
from packager.bundle import Bundle
from packager.check import CheckReport, check_bundle
from packager.errors import BundleInvalid
from packager.targets import RUNTIMES, find_target
from tests.bundles import packages_in
from tests.commands import THIS_PYTHON
from tests.elf_files import AARCH64, X86_64, make_elf

RUNTIME = "python3.11"
Files = Mapping[Any, bytes]
"""Content by name, or by zip entry."""
OURS = {
    "handler/__init__.py": b"",
    "handler/main.py": b"",
    "handler/main.pyc": b"",
    "model/m": b"1",
}


def wheel(name: str, version: str, tag: str = "py3-none-any") -> dict[str, bytes]:
    return {f"{name}-{version}.dist-info/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n".encode()}


def write_bundle(
    folder: Path,
    files: Files,
    *,
    runtime: str = RUNTIME,
    architecture: str = "x86_64",
    package_type: PackageType = "zip",
    model_zip: Files | None = None,
    packages: Iterable[PackageEntry] | None = None,
) -> Bundle:
    """Write a bundle that names the packages of its files, unless it shall name others."""
    archive: FileEntry | None = None
    if model_zip is not None:
        write_zip(folder / "model.zip", model_zip)
        archive = FileEntry("model.zip", 1, "")
    write_zip(folder / "function.zip", OURS | dict(files))
    manifest = BundleManifest(
        packager_version=__version__,
        target=TargetInfo(runtime, architecture),
        model=ModelInfo("sklearn", "m", "skops", files=(FileEntry("m", 1, ""),)),
        model_source="embedded" if archive is None else "s3",
        model_archive=archive,
        package_type=package_type,
        packages=packages_in(map(str, files)) if packages is None else tuple(packages),
    )
    (folder / MANIFEST_NAME).write_text(manifest.to_json())
    return Bundle(folder, manifest)


def write_zip(path: Path, files: Files) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(entry(name) if isinstance(name, str) else name, content)


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def failures(report: CheckReport) -> dict[str, str]:
    """The failed checks, each with the text of all of its problems."""
    return {
        check.entry.name: "\n".join(f"{item.message}\n{item.hint}" for item in check.problems)
        for check in report.checks
        if check.problems
    }


def static(bundle: Bundle) -> dict[str, str]:
    report = check_bundle(bundle, is_static=True)
    assert report.is_ok == (not report.problems)
    assert [entry.status for entry in report.not_made] == ["not made"] * 3
    return failures(report)


def test_a_sound_bundle_passes_and_what_was_not_run_is_not_called_checked(tmp_path: Path) -> None:
    bundle = write_bundle(
        tmp_path,
        {
            **wheel("fast", "1.0", "cp311-cp311-manylinux_2_17_x86_64"),
            "fast/core.cpython-311-x86_64-linux-gnu.so": make_elf(
                needed=["libinner-0123abcd.so.1", "libc.so.6"],
                runpath="$ORIGIN/../fast.libs",
                versions={"libc.so.6": ["GLIBC_2.17"]},
            ),
            "fast.libs/libinner-0123abcd.so.1": make_elf(),
        },
    )

    report = check_bundle(bundle, is_static=True)

    assert report.is_ok, report.problems
    assert {entry.status for entry in report.entries} == {"passed", "not made"}
    assert [entry.name for entry in report.not_made] == [
        "import and init",
        "prediction",
        "same predictions as the source model",
    ]
    assert report.measurements.init_duration_ms is None
    assert report.entries == check_bundle(bundle, is_static=True).entries


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


@pytest.mark.parametrize("name", ["handler.py", "handler.pyc", "handler.cpython-311-x86_64.so"])
def test_a_second_module_called_handler_is_refused(tmp_path: Path, name: str) -> None:
    failed = static(write_bundle(tmp_path, {name: b""}))

    assert f"{name} at the top of the zip is a second module `handler`" in failed["handler"]


def test_a_package_that_adds_to_our_handler_is_refused_and_named(tmp_path: Path) -> None:
    files = {
        "handler/utils.py": b"",
        "handler/deep/more.pyc": MAGIC_NUMBER,
        "other-2.0.dist-info/top_level.txt": b"handler\n",
    }

    failed = static(write_bundle(tmp_path, files))

    assert "handler/utils.py is not a file of the handler" in failed["handler"]
    assert "handler/deep/more.pyc" in failed["handler"]
    assert "other 2.0" in failed["handler"]
    assert "--drop" in failed["handler"]


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (entry("../evil.py"), "climbs out"),
        (entry("a/../../evil.py"), "climbs out"),
        (entry("/etc/evil"), "is not a relative path"),
        (entry("a\\evil.py"), "is not a relative path"),
        (entry("link.so", stat.S_IFLNK | 0o777), "is a symbolic link"),
        (entry("pipe", stat.S_IFIFO | 0o644), "is neither a file nor a folder"),
    ],
)
def test_an_entry_that_is_no_plain_file_of_its_own_is_refused(
    tmp_path: Path, member: zipfile.ZipInfo, said: str
) -> None:
    in_function = check_bundle(write_bundle(tmp_path, {member: b"/etc/passwd"}))

    assert said in failures(in_function)["safe names"]
    assert "function.zip" in failures(in_function)["safe names"]
    assert {entry.detail for entry in in_function.not_made} == {"it is not safe to unpack the zip"}

    in_model = static(write_bundle(tmp_path, {}, model_zip={"m": b"1", member: b"x"}))

    assert said in in_model["safe names"]
    assert "model.zip" in in_model["safe names"]


def test_an_entry_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path, {})
    with (
        zipfile.ZipFile(bundle.function_zip, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate name"),
    ):
        archive.writestr(entry("handler/main.py"), b"evil")

    assert "handler/main.py is in it 2 times" in static(bundle)["safe names"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o711])
def test_a_file_that_lambdas_user_cannot_read_is_refused(tmp_path: Path, mode: int) -> None:
    failed = static(write_bundle(tmp_path, {entry("a/b.py", stat.S_IFREG | mode): b""}))

    assert f"a/b.py has mode {mode:04o}" in failed["readable files"]
    assert "0644" in failed["readable files"]


def test_a_zip_without_modes_is_readable(tmp_path: Path) -> None:
    member = zipfile.ZipInfo("a/b.py")
    member.create_system = 0  # Windows
    member.external_attr = 0x20

    assert static(write_bundle(tmp_path, {member: b""})) == {}


def test_two_versions_of_a_package_are_refused(tmp_path: Path) -> None:
    files = {**wheel("some_thing", "1.0"), **wheel("Some.Thing", "2.0")}

    failed = static(write_bundle(tmp_path, files))

    assert "some-thing is in the zip in 2 versions: 2.0, 1.0" in failed["package names"]


def test_packages_that_the_manifest_names_and_the_zip_lacks_are_told(tmp_path: Path) -> None:
    packages = [PackageEntry("fast", "1.0"), PackageEntry("slow", "2.0"), PackageEntry("six", "3")]

    failed = static(write_bundle(tmp_path, wheel("fast", "1.0"), packages=packages))

    assert set(failed) == {"package names"}
    assert "bundle.json names them: six 3, slow 2.0\nBuild" in failed["package names"]
    assert "fast" not in failed["package names"]


def test_a_package_that_the_manifest_does_not_name_is_told(tmp_path: Path) -> None:
    files = {**wheel("fast", "1.0"), **wheel("other", "2.0")}

    failed = static(write_bundle(tmp_path, files, packages=[PackageEntry("fast", "1.1")]))

    assert set(failed) == {"package names"}
    assert "fast 1.0 is in the zip, bundle.json names its version 1.1" in failed["package names"]
    assert "other 2.0 is in the zip, bundle.json names no such package" in failed["package names"]
    assert "take out what was added" in failed["package names"]


def test_a_package_may_be_spelled_otherwise_in_the_manifest(tmp_path: Path) -> None:
    files = {**wheel("Some_Thing", "1.0.0"), **wheel("local", "2.0+cpu")}
    packages = [PackageEntry("some.thing", "1.0"), PackageEntry("local", "2.0+CPU")]

    assert static(write_bundle(tmp_path, files, packages=packages)) == {}


@pytest.mark.parametrize(
    "tag",
    [
        "cp312-cp312-manylinux_2_17_x86_64",
        "cp311-cp311-manylinux_2_28_x86_64",
        "cp311-cp311-manylinux_2_17_aarch64",
        "cp311-cp311-musllinux_1_2_x86_64",
        "cp311-cp311-macosx_11_0_arm64",
        "py2-none-any",
    ],
)
def test_a_wheel_that_the_target_does_not_load_is_refused(tmp_path: Path, tag: str) -> None:
    failed = static(write_bundle(tmp_path, wheel("fast", "1.0", tag)))

    assert f"fast 1.0 is from a wheel for {tag}" in failed["wheel tags"]
    assert "manylinux_2_26_x86_64 or older" in failed["wheel tags"]


@pytest.mark.parametrize(
    "tag",
    [
        "py3-none-any",
        "py2.py3-none-any",
        "cp37-abi3-manylinux_2_5_x86_64.manylinux1_x86_64",
        "cp311-cp311-manylinux_2_26_x86_64",
        "py3-none-manylinux2014_x86_64",
    ],
)
def test_a_wheel_that_the_target_loads_passes(tmp_path: Path, tag: str) -> None:
    assert static(write_bundle(tmp_path, wheel("fast", "1.0", tag))) == {}


@pytest.mark.parametrize(
    "name",
    ["fast/core.cpython-312-x86_64-linux-gnu.so", "fast/core.cpython-311-x86_64-linux-musl.so"],
)
def test_an_extension_module_of_another_python_is_refused(tmp_path: Path, name: str) -> None:
    failed = static(write_bundle(tmp_path, {**wheel("fast", "1.0"), name: make_elf()}))

    assert set(failed) == {"Python version"}
    assert f"fast 1.0: {name} is for" in failed["Python version"]


def test_bytecode_of_another_python_is_refused_where_no_source_takes_its_place(
    tmp_path: Path,
) -> None:
    other = next(item for item in RUNTIMES if item.name != RUNTIME)
    head = other.bytecode_magic.to_bytes(2, "little") + b"\r\n"
    harmless = {"b/x.py": b"", "b/x.pyc": head, "b/__pycache__/x.cpython-312.pyc": head}

    assert static(write_bundle(tmp_path, harmless)) == {}

    failed = static(write_bundle(tmp_path, {"a/x.pyc": head}))
    assert f"a/x.pyc is compiled for Python {other.python}" in failed["Python version"]


def test_the_table_knows_the_bytecode_of_this_python() -> None:
    target = find_target(f"python{THIS_PYTHON}", "x86_64")

    assert target.runtime.bytecode_magic == int.from_bytes(MAGIC_NUMBER[:2], "little")


def test_a_package_that_the_runtimes_boto3_cannot_take_is_refused(tmp_path: Path) -> None:
    files = {**wheel("python_dateutil", "4.0.0"), **wheel("urllib3", "2.5.0")}

    failed = static(write_bundle(tmp_path, files))

    assert set(failed) == {"runtime packages"}
    assert "python-dateutil 4.0.0" in failed["runtime packages"]
    assert "python-dateutil>=2.1,<3" in failed["runtime packages"]
    assert "urllib3" not in failed["runtime packages"]


def test_half_of_the_aws_sdk_is_refused_and_all_of_it_is_not(tmp_path: Path) -> None:
    half = {**wheel("boto3", "1.40.0"), **wheel("s3transfer", "0.14.0")}

    assert "runtime's own botocore" in static(write_bundle(tmp_path, half))["runtime packages"]
    assert static(write_bundle(tmp_path, half | wheel("botocore", "1.40.0"))) == {}


def test_a_zip_over_the_limit_names_its_largest_packages_and_an_image_may_be_larger(
    tmp_path: Path,
) -> None:
    huge = zipfile.ZipInfo("huge/data.bin")
    huge.compress_type = zipfile.ZIP_DEFLATED
    huge.external_attr = 0o644 << 16
    files = {huge: bytes(262_144_001)}

    failed = static(write_bundle(tmp_path, files))

    assert "Lambda takes 262.1 MB; the largest: huge 262.1 MB" in failed["size limits"]
    assert "--package image" in failed["size limits"]
    assert static(write_bundle(tmp_path, files, package_type="image")) == {}


def test_a_model_file_that_is_missing_or_cut_off_is_named(tmp_path: Path) -> None:
    missing = static(write_bundle(tmp_path, {}, model_zip={"other": b"1"}))
    longer = static(write_bundle(tmp_path, {}, model_zip={"m": b"12"}))

    assert "model.zip: the model's file m is missing" in missing["model files"]
    assert "m has 2 bytes, not 1" in longer["model files"]


def test_a_file_that_is_no_zip_is_said_to_be_none(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path, {})
    bundle.function_zip.write_bytes(b"no zip")

    with pytest.raises(BundleInvalid, match=r"function\.zip cannot be read"):
        check_bundle(bundle, is_static=True)


def test_a_bundle_of_another_packager_is_checked_without_knowing_its_handler(
    tmp_path: Path,
) -> None:
    bundle = write_bundle(tmp_path, {"handler/from_the_future.py": b""})
    other = replace(bundle, manifest=replace(bundle.manifest, packager_version="99.0"))

    assert "handler" in static(bundle)
    assert static(other) == {}
