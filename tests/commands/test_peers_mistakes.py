"""What a plain install on this machine would have shipped, and what becomes of it here."""

import shutil
import sys
from pathlib import Path

import pytest

from handler.manifest import TargetInfo
from packager.aws.runtimes import find_target
from packager.checking.story import check_bundle
from packager.lock.resolve import Question, UvResolver
from packager.support.uv import run_uv
from packager.support.zips import write_archive
from tests.support.bundles import make_bundle

AL2 = find_target("python3.11", "x86_64")


@pytest.fixture(scope="module")
def plain_install(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scikit-learn as `pip install --target` takes it: what this machine's own glibc loads."""
    folder = tmp_path_factory.mktemp("plain")
    run_uv(
        [
            *("pip", "install", "--target", str(folder), "--no-deps", "--only-binary", ":all:"),
            *("--python-version", AL2.runtime.python, "--python-platform", "x86_64-manylinux_2_28"),
            "scikit-learn==1.9.1",
        ]
    )
    return folder


def test_a_wheel_that_is_too_new_for_the_runtime_is_refused_by_the_check(
    plain_install: Path, tmp_path: Path
) -> None:
    target = TargetInfo(AL2.runtime.name, AL2.architecture)
    bundle = make_bundle(tmp_path / "bundle", model=None, target=target)
    shutil.copytree(plain_install, tmp_path / "tree")
    shutil.copytree(Path(sys.modules["handler"].__path__[0]), tmp_path / "tree" / "handler")
    write_archive(tmp_path / "tree", bundle.function_zip)

    report = check_bundle(bundle, is_static=True)

    failed = {entry.name: entry.detail for entry in report.entries if entry.status == "failed"}
    assert "scikit-learn 1.9.1" in failed["wheel tags"]
    assert "manylinux_2_2" in failed["wheel tags"]


def test_the_same_requirement_gets_what_the_runtime_loads() -> None:
    lock = UvResolver().resolve(Question(("scikit-learn",), AL2))

    versions = {package.name: package.version for package in lock.packages}
    assert versions["scikit-learn"] == "1.7.2"
