"""Packages of the model's own Python are held against that Python and Debian, the others not."""

from pathlib import Path

import pytest

from handler.manifest import OWN_PACKAGES_FOLDER, PackageEntry
from packager.errors import ToolMissing
from packager.local.invoke import find_own_python
from tests.support.checked import static, wheel, write_bundle
from tests.support.elf_files import make_elf

TAG = "cp38-cp38-manylinux_2_36_x86_64"


def own(files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{OWN_PACKAGES_FOLDER}/{name}": content for name, content in files.items()}


def old(name: str = "old", tag: str = TAG) -> dict[str, bytes]:
    """A package of Python 3.8, with an extension module and a source."""
    module = f"{name}/_c.cpython-38-x86_64-linux-gnu.so"
    return wheel(name, "1.0", tag) | {module: make_elf(), f"{name}/__init__.py": b""}


def failures(folder: Path, files: dict[str, bytes]) -> dict[str, str]:
    bundle = write_bundle(
        folder,
        files,
        packages=[PackageEntry("new", "2.0")],
        package_type="image",
        own_python="3.8",
        own_packages=[PackageEntry("old", "1.0")],
    )
    return static(bundle)


def test_each_set_is_fine_for_its_own_python(tmp_path: Path) -> None:
    assert failures(tmp_path, wheel("new", "2.0") | own(old())) == {}


def test_what_is_for_another_python_or_system_is_named(tmp_path: Path) -> None:
    files = own(old(tag="cp311-cp311-manylinux_2_17_x86_64"))
    files |= own({"old/_d.cpython-311-x86_64-linux-gnu.so": make_elf()})
    failed = failures(tmp_path, wheel("new", "2.0") | files)
    assert set(failed) == {
        "wheel tags of its own Python 3.8",
        "Python version of its own Python 3.8",
    }


def test_a_package_that_is_in_the_wrong_set_is_named(tmp_path: Path) -> None:
    failed = failures(tmp_path, old() | own(wheel("new", "2.0")))
    assert {"package names", "package names of its own Python 3.8"} <= set(failed)


def test_a_bundle_is_not_run_where_that_python_is_not(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path, {}, own_python="3.3")
    with pytest.raises(ToolMissing, match=r"Python 3\.3, in which the model runs"):
        find_own_python(bundle)
