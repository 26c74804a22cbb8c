"""Bundles with a layer: both zips are checked as the one file system that Lambda makes of them."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from handler.manifest import TargetInfo
from packager.bundle.folder import Bundle
from packager.checking.report import CheckReport
from packager.checking.story import check_bundle
from tests.support.bundles import ECHO, make_bundle
from tests.support.elf_files import AARCH64, make_elf

Files = Mapping[str, str | bytes]


def bundle(folder: Path, layer: Files, files: Files = ECHO) -> Bundle:
    target = TargetInfo("python3.11", "x86_64")
    return make_bundle(folder, model=None, files=files, layer=layer, target=target)


def report(folder: Path, layer: Files, files: Files = ECHO) -> CheckReport:
    return check_bundle(bundle(folder, layer, files), is_static=True)


def problems(report: CheckReport) -> dict[str, str]:
    return {
        check.entry.name: "\n".join(problem.message for problem in check.problems)
        for check in report.checks
        if check.problems
    }


def wheel(name: str, tag: str = "py3-none-any") -> dict[str, str | bytes]:
    text = f"Wheel-Version: 1.0\nTag: {tag}\n"
    return {f"python/{name}-1.0.dist-info/WHEEL": text}


SOUND: Files = {
    **wheel("fast", "cp311-cp311-manylinux_2_17_x86_64"),
    "python/fast/core.so": make_elf(
        needed=["libinner-0123abcd.so.1", "libgomp.so.1"], runpath="$ORIGIN/../fast.libs"
    ),
    "python/fast.libs/libinner-0123abcd.so.1": make_elf(),
    "lib/libgomp.so.1": make_elf(),
}


def test_a_sound_layer_passes_and_its_packages_are_seen(tmp_path: Path) -> None:
    checked = report(tmp_path, SOUND)

    assert checked.is_ok, problems(checked)
    details = {entry.name: entry.detail for entry in checked.entries}
    assert details["layer"].startswith("4 files")
    assert details["package names"].startswith("1 packages")
    assert details["wheel tags"].startswith("1 wheels are for python3.11")
    assert details["architecture"].startswith("all 3 ELF files")


def test_a_bundle_without_a_layer_has_no_check_of_one(tmp_path: Path) -> None:
    checked = check_bundle(make_bundle(tmp_path, model=None), is_static=True)

    assert "layer" not in {entry.name for entry in checked.entries}


@pytest.mark.parametrize(
    "place",
    [
        "python/libgomp.so.1",  # as the top of /var/task, which the loader does search
        "python/lib/libgomp.so.1",
        "python/other.libs/libgomp.so.1",
    ],
)
def test_a_library_of_the_layer_that_the_loader_does_not_find_is_missing(
    tmp_path: Path, place: str
) -> None:
    layer = {name: content for name, content in SOUND.items() if not name.startswith("lib/")}

    found = problems(report(tmp_path, {**layer, place: make_elf()}))

    assert "libgomp.so.1 is neither in the bundle nor on Lambda" in found["shared libraries"]
    assert "/opt/python/fast/core.so (fast 1.0)" in found["shared libraries"]


def test_from_the_layers_lib_a_path_that_leads_beside_it_does_not_lead_to_the_packages(
    tmp_path: Path,
) -> None:
    copy = make_elf(needed=["libinner-0123abcd.so.1"], runpath="$ORIGIN/../fast.libs")

    found = problems(report(tmp_path / "near", {**SOUND, "lib/libgomp.so.1": copy}))
    assert "needed by /opt/lib/libgomp.so.1" in found["shared libraries"]

    copy = make_elf(needed=["libinner-0123abcd.so.1"], runpath="$ORIGIN/../python/fast.libs")
    assert report(tmp_path / "far", {**SOUND, "lib/libgomp.so.1": copy}).is_ok


def test_what_is_wrong_in_a_layer_is_named_with_its_package(tmp_path: Path) -> None:
    bad = {
        **wheel("odd", "cp312-cp312-manylinux_2_17_x86_64"),
        "python/odd/core.so": make_elf(AARCH64),
        "python/odd/other.cpython-312-x86_64-linux-gnu.so": make_elf(),
        "python/odd-2.0.dist-info/WHEEL": "Tag: py3-none-any\n",
    }

    found = problems(report(tmp_path, {**SOUND, **bad}))

    assert "odd 1.0: /opt/python/odd/core.so is for arm64" in found["architecture"]
    assert "cp312" in found["wheel tags"]
    assert "/opt/python/odd/other" in found["Python version"]
    assert "odd is in the zip in 2 versions" in found["package names"]


def test_a_module_in_both_zips_is_a_collision(tmp_path: Path) -> None:
    found = problems(report(tmp_path, {**SOUND, "python/handler.pyc": "theirs"}))

    assert "handler is in function.zip and, from handler, in layer.zip" in found["layer"]


def test_what_is_imported_is_compared_not_what_is_beside_it(tmp_path: Path) -> None:
    function = {**ECHO, "bundle.json": "{}", "README.md": "", "mine.py": ""}
    layer = {**SOUND, "python/bundle/__init__.py": "", "python/README/__init__.py": ""}

    assert report(tmp_path / "apart", layer, function).is_ok

    found = problems(report(tmp_path / "same", {**layer, "python/mine/a.py": ""}, function))
    assert found["layer"].startswith("mine is in function.zip")


def test_a_file_that_nothing_on_lambda_finds_is_named(tmp_path: Path) -> None:
    found = problems(report(tmp_path, {**SOUND, "site-packages/six.py": ""}))

    assert "/opt/site-packages/six.py: neither Python nor the loader looks there" in found["layer"]


def test_a_path_that_climbs_out_of_the_layer_is_told_with_the_zips_name(tmp_path: Path) -> None:
    found = problems(report(tmp_path, {**SOUND, "python/../../etc/passwd": ""}))

    assert "layer.zip: entry 'python/../../etc/passwd' climbs out" in found["safe names"]


def test_function_and_layer_count_against_one_limit(tmp_path: Path) -> None:
    made = bundle(tmp_path, SOUND)
    names = ("data.bin", "python/huge/data.bin")
    for path, name in zip(made.code_zips, names, strict=True):
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, bytes(140_000_000))

    found = problems(check_bundle(made, is_static=True))

    assert "unzipped the function has 280.0 MB" in found["size limits"]
    assert "huge 140.0 MB" in found["size limits"]


@pytest.mark.parametrize("name", ["/opt/python", "/opt", "."])
def test_an_entry_that_is_a_folder_on_lambda_is_refused(tmp_path: Path, name: str) -> None:
    found = problems(report(tmp_path, SOUND, {**ECHO, name: ""}))

    assert f"function.zip: entry {name!r}" in found["safe names"]
