"""The project's commands, run as a user runs them: in a process of their own."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
THIS_PYTHON = ".".join(platform.python_version_tuple()[:2])
"""The minor version of the tests' own interpreter: the one that is surely on this machine."""


def packager(
    *args: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    umask: int = -1,
    timeout_s: int = 300,
    module: str = "packager",
) -> subprocess.CompletedProcess[str]:
    """Run `packager` and return what it printed, whatever its exit code.

    :param module: another one that takes the same arguments.
    """
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, args)],
        cwd=cwd,
        env=os.environ | dict(env or {}),
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
