"""The dependencies as a Lambda layer: where their files are, in the zip and on Lambda."""

from pathlib import Path

import pytest

from packager.packages.layer import arrange_layer, import_path


def arranged(staging: Path, *names: str) -> list[str]:
    for name in names:
        path = staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    arrange_layer(staging)
    files = [path for path in staging.rglob("*") if path.is_file()]
    return sorted(path.relative_to(staging).as_posix() for path in files)


def test_packages_go_below_python_and_shared_libraries_to_the_loaders_folder(
    tmp_path: Path,
) -> None:
    found = arranged(
        tmp_path / "tree", "numpy/core.so", "numpy.libs/libblas.so.3", "lib/libgomp.so.1", "six.pyc"
    )

    assert found == [
        "lib/libgomp.so.1",
        "python/numpy.libs/libblas.so.3",
        "python/numpy/core.so",
        "python/six.pyc",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["tree"], "nothing is left beside it"


def test_packages_that_are_called_as_the_layers_folders_are_packages_all_the_same(
    tmp_path: Path,
) -> None:
    found = arranged(tmp_path / "tree", "python/__init__.py", "lib/__init__.py", "lib/deep/a.so")

    assert found == ["python/lib/__init__.py", "python/lib/deep/a.so", "python/python/__init__.py"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("numpy/core.so", "numpy/core.so"),
        ("/opt/python/numpy/core.so", "numpy/core.so"),
        ("/opt/lib/libgomp.so.1", "lib/libgomp.so.1"),
        ("python/__init__.py", "python/__init__.py"),
    ],
)
def test_a_module_has_the_same_import_path_in_both_zips(path: str, expected: str) -> None:
    assert str(import_path(path)) == expected
