import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from packager.bundle.folder import is_bundle, replaced_folder
from packager.errors import ConfigError

OLD = {"bundle.json": "old", "function.zip": "old zip"}


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_finished_build_replaces_the_old_output_whole(tmp_path: Path) -> None:
    write(tmp_path / "dist", OLD | {"only-in-old": "x"})

    with replaced_folder(tmp_path / "dist") as draft:
        write(draft, {"bundle.json": "new"})

    assert read(tmp_path / "dist") == {"bundle.json": "new"}
    assert [path.name for path in tmp_path.iterdir()] == ["dist"]


def test_a_failed_build_leaves_the_old_output_untouched(tmp_path: Path) -> None:
    write(tmp_path / "dist", OLD)

    with suppress(RuntimeError), replaced_folder(tmp_path / "dist") as draft:
        write(draft, {"bundle.json": "half"})
        raise RuntimeError

    assert read(tmp_path / "dist") == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["dist"]


KILLED = """
import os, signal, sys
from pathlib import Path
from packager.bundle.folder import replaced_folder
with replaced_folder(Path(sys.argv[1])) as draft:
    (draft / "bundle.json").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_build_leaves_the_old_output_and_the_next_one_sweeps_up(tmp_path: Path) -> None:
    write(tmp_path / "dist", OLD)

    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "dist")], check=False)

    assert done.returncode == -signal.SIGKILL
    assert read(tmp_path / "dist") == OLD
    with replaced_folder(tmp_path / "dist") as draft:
        write(draft, {"bundle.json": "new"})
    assert [path.name for path in tmp_path.iterdir()] == ["dist"]


def test_what_a_killed_build_with_our_process_number_left_is_swept_up(tmp_path: Path) -> None:
    write(tmp_path / f".dist.{os.getpid()}.partial", {"bundle.json": "half"})

    with replaced_folder(tmp_path / "dist") as draft:
        write(draft, {"bundle.json": "new"})

    assert read(tmp_path / "dist") == {"bundle.json": "new"}
    assert [path.name for path in tmp_path.iterdir()] == ["dist"]


def test_a_folder_that_is_no_bundle_is_never_replaced(tmp_path: Path) -> None:
    write(tmp_path / "home", {"thesis.txt": "years of work"})

    with pytest.raises(ConfigError, match="no bundle"), replaced_folder(tmp_path / "home"):
        pass

    assert read(tmp_path / "home") == {"thesis.txt": "years of work"}


def test_a_build_that_runs_at_the_same_time_is_not_swept_away(tmp_path: Path) -> None:
    running = tmp_path / f".dist.{os.getppid()}.partial"
    write(running, {"bundle.json": "at work"})

    with replaced_folder(tmp_path / "dist") as draft:
        write(draft, {"bundle.json": "new"})

    assert is_bundle(running)
