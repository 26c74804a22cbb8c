"""Find Python interpreters of a minor version on this machine, wherever tools put them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from packager.errors import ToolFailed
from packager.support.uv import run_uv

_CONDA_ROOTS = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba")
"""Where conda's installers put it in a home folder."""
_TELL_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
_TIMEOUT_S = 30


def find_python(version: str) -> Path | None:
    """Return an interpreter of this minor version, as `3.11`, or None if there is none here.

    Of those on the PATH, uv's, pyenv's and conda's, and the one that runs this. What is found has
    been run, and is of that version. Never downloads one: a build must not change the machine
    unasked.
    """
    return next((path for path in _candidates(version) if _is_of(path, version)), None)


def _candidates(version: str) -> Iterator[Path]:
    yield from _known_to_uv(version)
    # What a virtual environment was made from: the environment may be deleted.
    yield Path(getattr(sys, "_base_executable", None) or sys.executable)
    for prefix in (*_pyenv(version), *_conda()):
        yield prefix / "bin" / f"python{version}"


def _known_to_uv(version: str) -> Iterator[Path]:
    try:
        yield Path(run_uv(["python", "find", "--system", "--no-project", version]).strip())
    except ToolFailed:
        return


def _pyenv(version: str) -> list[Path]:
    """Return pyenv's installations of the version, the newest first."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = (root / "versions").glob(f"{version}.*")
    return sorted(found, key=lambda path: list(map(int, re.findall(r"\d+", path.name))))[::-1]


def _conda() -> Iterator[Path]:
    """Yield conda's environments: the active one, and those that it keeps a list of."""
    home = Path.home()
    roots = [Path(os.environ[name]) for name in ("CONDA_PREFIX",) if os.environ.get(name)]
    roots += [home / name for name in _CONDA_ROOTS]
    for root in roots:
        yield root
        yield from sorted((root / "envs").glob("*"))
    try:
        listed = (home / ".conda" / "environments.txt").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    yield from (Path(line.strip()) for line in listed.splitlines() if line.strip())


def _is_of(path: Path, version: str) -> bool:
    if not path.is_file():
        return False
    try:
        done = subprocess.run(
            [str(path), "-I", "-S", "-c", _TELL_VERSION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.strip() == version
