from pathlib import Path

import pytest

from handler.manifest import FileEntry
from packager.errors import LimitExceeded
from packager.packages.size_limit import check_unzipped, direct_upload_warning, largest_packages


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    for name, size_bytes in {
        "numpy/core.so": 300,
        "numpy.libs/blas.so": 500,
        "small/__init__.py": 10,
        "small-1.0.dist-info/METADATA": 5,
    }.items():
        path = tmp_path / name
        path.parent.mkdir()
        path.write_bytes(b"x" * size_bytes)
    return tmp_path


def test_a_bundle_that_fits_passes() -> None:
    check_unzipped(815, [("numpy", 815)], limit_bytes=815)


def test_a_bundle_over_the_limit_names_its_largest_packages_and_the_way_out() -> None:
    with pytest.raises(LimitExceeded) as raised:
        check_unzipped(815, [("numpy", 800), ("small", 10)], limit_bytes=814)

    lines = str(raised.value).splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["numpy", "small"]
    assert "--package image" in str(raised.value.hint)
    assert raised.value.exit_code == 3


def test_shared_libraries_count_as_the_package_that_brought_them(staging: Path) -> None:
    assert largest_packages(staging) == [("numpy", 800), ("small", 10)]


def test_a_zip_over_50_mb_is_warned_about_and_a_smaller_one_is_not() -> None:
    assert direct_upload_warning(FileEntry("layer.zip", 50_000_000, "")) is None
    warning = direct_upload_warning(FileEntry("layer.zip", 50_000_001, ""))
    assert str(warning).startswith("layer.zip has 50.0 MB")
    assert "S3" in str(warning)
