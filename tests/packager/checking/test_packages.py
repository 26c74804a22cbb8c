"""Packages that the target or its runtime cannot take: each is named, with what to do."""

from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from handler.manifest import (
    PackageEntry,
)
from packager.aws.runtimes import RUNTIMES, find_target
from tests.support.checked import RUNTIME, static, wheel, write_bundle
from tests.support.commands import THIS_PYTHON
from tests.support.elf_files import make_elf


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
