"""Interpreters that pyenv, conda and uv keep off the PATH: links to real ones in a home folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from packager.support import interpreters
from packager.support.interpreters import find_python

AWAY = "3.2"
"""A version that no machine has; what claims to be of it is a script."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, with neither pyenv's nor conda's variables."""
    for name in ("PYENV_ROOT", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def interpreter(prefix: Path, says: str = AWAY) -> Path:
    """Put a program there that says it is a Python of this version."""
    path = prefix / "bin" / f"python{AWAY}"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)
    return path


def test_the_interpreter_that_runs_this_is_found_off_the_path(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(home))
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"

    found = find_python(minor)

    assert found is not None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith(f"Python {minor}.")


def test_a_link_to_a_real_interpreter_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    link = home / ".pyenv" / "versions" / f"{minor}.99" / "bin" / f"python{minor}"
    link.parent.mkdir(parents=True)
    link.symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(home))
    monkeypatch.setattr(interpreters.sys, "_base_executable", str(home / "gone"))

    assert find_python(minor) is not None


@pytest.mark.parametrize(
    "place",
    [
        ".pyenv/versions/3.2.1",
        "miniconda3/envs/old",
        "anaconda3",
        "miniforge3/envs/a",
        "elsewhere/env",
    ],
)
def test_one_of_pyenv_or_conda_is_found(place: str, home: Path) -> None:
    path = interpreter(home / place)
    (home / ".conda").mkdir()
    (home / ".conda" / "environments.txt").write_text(f"{home}/deleted\n{home}/elsewhere/env\n")

    assert find_python(AWAY) == path


def test_the_variables_of_pyenv_and_conda_count(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conda = interpreter(home / "c" / "envs" / "one")
    monkeypatch.setenv("CONDA_PREFIX", str(home / "c"))
    assert find_python(AWAY) == conda

    pyenv = interpreter(home / "p" / "versions" / "3.2.9")
    monkeypatch.setenv("PYENV_ROOT", str(home / "p"))
    assert find_python(AWAY) == pyenv


def test_of_several_patch_releases_the_newest_is_taken(home: Path) -> None:
    for patch in (2, 10, 9):
        interpreter(home / ".pyenv" / "versions" / f"3.2.{patch}")

    assert find_python(AWAY) == home / ".pyenv" / "versions" / "3.2.10" / "bin" / "python3.2"


@pytest.mark.parametrize("says", ["3.3", "", "exit 1"])
def test_what_is_of_another_version_or_does_not_run_is_passed_over(says: str, home: Path) -> None:
    interpreter(home / "miniconda3", says)
    (home / ".pyenv" / "versions" / "3.2.5" / "bin").mkdir(parents=True)

    assert find_python(AWAY) is None
