"""Entries of the zips that must not be: each gets an error that names it, and what to do."""

import stat
import zipfile
from dataclasses import replace
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from packager.checking.story import check_bundle
from packager.errors import BundleInvalid
from tests.support.checked import entry, failures, static, wheel, write_bundle
from tests.support.elf_files import make_elf


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
