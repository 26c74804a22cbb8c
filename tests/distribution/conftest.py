"""The sdist and the wheel, built once, and machines on which there is little else."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv

from tests.conftest import only_one_worker
from tests.support.commands import ROOT

PYTHON = Path(sys.executable).resolve()


@dataclass(frozen=True)
class Built:
    """What a release publishes."""

    sdist: Path
    wheel: Path


@pytest.fixture(scope="session")
def built(shared_folder: Path) -> Built:
    """The sdist of this checkout, and the wheel that was built from it."""
    folder = shared_folder / "distribution" / "dist"
    with only_one_worker(shared_folder):
        if not list(folder.glob("*.whl")):
            command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return Built(sdist, wheel)


class Machine:
    """A user's: Python and what installs are on the PATH, and no compiler; nothing is at home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "path"
        self.path.mkdir()
        for program in (PYTHON, Path(uv.find_uv_bin()), Path(sys.executable).with_name("pipx")):
            self.add(program)

    def add(self, program: Path) -> None:
        link = self.path / program.name
        if not link.exists():
            link.symlink_to(program)

    @property
    def environment(self) -> dict[str, str]:
        """Where the index is, and what was downloaded from it before, is the tests' own affair."""
        home = Path.home()
        kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        return {
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            **kept,
            "HOME": str(self.folder),
            "PATH": str(self.path),
            "UV_TOOL_DIR": str(self.folder / "tools"),
            "UV_TOOL_BIN_DIR": str(self.folder / "bin"),
            "PIPX_HOME": str(self.folder / "pipx"),
            "PIPX_BIN_DIR": str(self.folder / "bin"),
            "PIPX_MAN_DIR": str(self.folder / "man"),
            "PACKAGER_CACHE": str(self.folder / "cache"),
        }

    def run(self, program: str | Path, *args: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a program, by its name on the PATH or by its path below the folder."""
        done = subprocess.run(
            [self.path / program if isinstance(program, str) else self.folder / program, *args],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
