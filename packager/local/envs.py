"""Cached Python environments that are not the user's: for the runtime, for a model."""

import hashlib
import json
import platform
from collections.abc import Sequence
from pathlib import Path

from packager.errors import ToolMissing
from packager.local.cache import build_once, cache_root
from packager.progress import SILENT, Progress
from packager.uv import find_python, run_uv


def ensure_env(
    key_name: str, python: str, requirements: Sequence[str], *, progress: Progress = SILENT
) -> Path:
    """Return the Python executable of an environment with exactly these requirements.

    Made by uv at the first call, reused afterwards; safe for parallel callers.

    :param key_name: what the environment is for, as `runtime`; part of its folder's name.
    :param python: the minor version, as `3.11`.
    :param requirements: PEP 508 lines; their order does not matter.
    :raises ToolMissing: no interpreter of that version is on this machine.
    :raises ToolFailed: uv could not install the requirements; says why.
    :raises ConfigError: the cache cannot be written.
    """
    lines = sorted(set(requirements))
    folder = cache_root() / "envs" / f"{key_name}-{python}-{_digest(python, lines)}"

    def build(partial: Path) -> None:
        progress.step(f"Making the {key_name} environment (Python {python}, once)")
        _create(partial, python)
        _install(partial, lines)

    return _executable(build_once(folder, build, is_usable=_is_usable, progress=progress))


def _digest(python: str, lines: Sequence[str]) -> str:
    # A home folder can be shared by machines of different kinds.
    identity = json.dumps([platform.system(), platform.machine(), python, *lines])
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _is_usable(folder: Path) -> bool:
    # A link: it dangles when the interpreter that the environment was made from is gone.
    return _executable(folder).exists()


def _executable(folder: Path) -> Path:
    return folder / "bin" / "python"


def _create(folder: Path, python: str) -> None:
    interpreter = find_python(python)
    if interpreter is None:
        raise ToolMissing(f"Python {python}", f"`uv python install {python}` would get it.")
    # Relocatable: the folder is renamed when it is whole.
    options = ["--relocatable", "--no-project", "--clear", "--python", str(interpreter)]
    run_uv(["venv", *options, str(folder)])


def _install(folder: Path, lines: Sequence[str]) -> None:
    options = ["--compile-bytecode", "--python", str(_executable(folder))]
    run_uv(
        ["pip", "install", *options, "--requirements", "-"],
        stdin="\n".join(lines) + "\n",
        cwd=folder,
    )
