"""Files and folders that appear whole or not at all, and drafts that are only removed when dead."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from packager.support import atomic
from packager.support.atomic import remove_whole, whole_folder, write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture(params=[True, False], ids=["exchanged", "renamed"])
def exchanges(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Also where the file system cannot exchange two folders, as on macOS."""
    if not request.param:
        monkeypatch.setattr(atomic.sys, "platform", "darwin")
    return bool(request.param)


@pytest.mark.usefixtures("exchanges")
def test_a_folder_takes_the_place_of_the_one_before_as_a_whole(tmp_path: Path) -> None:
    for content in ("first", "second"):
        with whole_folder(tmp_path / "out") as draft:
            (draft / "file").write_text(content)
            assert names(tmp_path) in (
                [draft.name],
                [draft.name, "out"],
            )
        assert (tmp_path / "out" / "file").read_text() == content
        assert names(tmp_path) == ["out"]


@pytest.mark.usefixtures("exchanges")
def test_a_block_that_raises_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").touch()

    def interrupted() -> None:
        with whole_folder(tmp_path / "out") as draft:
            (draft / "new").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == ["out"]
    assert names(tmp_path / "out") == ["old"]


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    pid, running = dead_pid(), os.getppid()
    left = [f".out.{pid}.partial", f".out.{pid}-old.partial", f".out.{os.getpid()}.partial"]
    kept = [f".out.{running}.partial", f".out.arm64.{pid}.partial", ".out.words.partial"]
    for name in (*left, *kept):
        (tmp_path / name).mkdir()

    with whole_folder(tmp_path / "out"):
        pass

    assert names(tmp_path) == sorted([*kept, "out"])


@pytest.mark.parametrize("other", ["out.arm64", "out"])
def test_a_draft_of_this_process_that_is_in_use_is_left_alone(tmp_path: Path, other: str) -> None:
    with whole_folder(tmp_path / other) as draft:
        (draft / "file").touch()
        if other == "out":
            with pytest.raises(FileExistsError), whole_folder(tmp_path / "out"):
                pass
        else:
            with whole_folder(tmp_path / "out"):
                pass
        assert (draft / "file").exists()

    assert (tmp_path / other / "file").exists()


def test_names_with_glob_characters_are_names(tmp_path: Path) -> None:
    (tmp_path / f".o.{dead_pid()}.partial").mkdir()
    with whole_folder(tmp_path / "[o]*"):
        pass

    assert "[o]*" in names(tmp_path)
    assert len(names(tmp_path)) == 2


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"first")
    write_whole(tmp_path / "file", b"second")
    assert (tmp_path / "file").read_bytes() == b"second"

    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_whole(tmp_path / "folder", b"third")
    assert names(tmp_path) == ["file", "folder"]


def test_a_folder_is_removed_whole(tmp_path: Path) -> None:
    (tmp_path / "out" / "deep").mkdir(parents=True)
    remove_whole(tmp_path / "out")

    assert names(tmp_path) == []
