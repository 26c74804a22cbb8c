import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from packager.errors import BundleInvalid
from packager.support.zips import extend_archive, write_archive

BUILD = (
    "import sys; from pathlib import Path; from packager.support.zips import write_archive; "
    "print(write_archive(Path(sys.argv[1]), Path(sys.argv[2])).sha256)"
)


def make_tree(folder: Path, names: list[str]) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")


def digest_in_other_process(folder: Path, umask: int, timezone: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder), str(folder.parent / f"{umask}.zip")],
        env=os.environ | {"TZ": timezone},
        umask=umask,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def test_the_zip_depends_on_content_alone(tmp_path: Path) -> None:
    names = ["b/module.py", "a.txt", "b.txt", "b-c/x"]
    make_tree(tmp_path / "one" / "tree", names)
    make_tree(tmp_path / "elsewhere" / "deeper" / "tree", list(reversed(names)))
    for path in (tmp_path / "elsewhere").rglob("*"):
        os.utime(path, (1, 1))

    first = digest_in_other_process(tmp_path / "one" / "tree", 0o022, "UTC")
    second = digest_in_other_process(
        tmp_path / "elsewhere" / "deeper" / "tree", 0o077, "Pacific/Auckland"
    )

    assert first == second


def test_everybody_may_read_what_a_careful_umask_wrote(tmp_path: Path) -> None:
    make_tree(tmp_path / "tree", ["plain", "library.so"])
    (tmp_path / "tree" / "plain").chmod(0o600)
    (tmp_path / "tree" / "library.so").chmod(0o700)

    write_archive(tmp_path / "tree", tmp_path / "out.zip")

    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        modes = {
            info.filename: stat.S_IMODE(info.external_attr >> 16) for info in archive.infolist()
        }
    assert modes == {"plain": 0o644, "library.so": 0o755}


@pytest.mark.parametrize("compress", [True, False])
def test_the_bytes_come_back(tmp_path: Path, compress: bool) -> None:
    make_tree(tmp_path / "tree", ["x/y"])
    entry = write_archive(tmp_path / "tree", tmp_path / "out.zip", compress=compress)

    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.read("x/y") == b"content of x/y"
    assert entry.path == "out.zip"
    assert entry.size_bytes == (tmp_path / "out.zip").stat().st_size


def test_what_is_added_to_a_zip_comes_after_its_own_files(tmp_path: Path) -> None:
    make_tree(tmp_path / "base", ["b", "c"])
    make_tree(tmp_path / "more", ["a"])
    write_archive(tmp_path / "base", tmp_path / "base.zip")

    extend_archive(tmp_path / "base.zip", tmp_path / "more", tmp_path / "out.zip")

    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == ["b", "c", "a"]


@pytest.mark.parametrize("kept_bytes", [0, 60, -30])
def test_nothing_is_added_to_half_a_zip(tmp_path: Path, kept_bytes: int) -> None:
    make_tree(tmp_path / "tree", ["a", "b"])
    write_archive(tmp_path / "tree", tmp_path / "whole.zip")
    half = tmp_path / "half.zip"
    half.write_bytes((tmp_path / "whole.zip").read_bytes()[:kept_bytes])

    with pytest.raises(BundleInvalid, match=r"half\.zip is no whole zip"):
        extend_archive(half, tmp_path / "tree", tmp_path / "out.zip")
