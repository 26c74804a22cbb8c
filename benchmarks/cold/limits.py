"""Processes with a share of a CPU, as Lambda gives it by memory: a cgroup of our own."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cold.runs import Confine

# Lambda gives a whole vCPU at 1,769 MB and less in proportion:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
VCPUS = {512: 0.3, 1024: 0.6, 1769: 1.0}
"""Share of one vCPU by the function's MB."""
_PERIOD_US = 20_000
"""Short, so that a share is a steady one; the kernel's default is 100,000."""
_ROOT = Path("/sys/fs/cgroup")
_NAME = f"packager-bench-{os.getpid()}"
_END_TIMEOUT_S = 10


def why_not() -> str | None:
    """Return why CPU cannot be limited here; None: it can."""
    try:
        with limited(1.0):
            return None
    except OSError as error:
        return f"no cgroup of our own can be made here: {error}"


@contextlib.contextmanager
def limited(vcpus: float) -> Iterator[Confine]:
    """Yield what puts a process, and all that it starts, under this share of a CPU.

    :raises OSError: the cgroup file system is not there, or not ours to write.
    """
    quota_us = round(_PERIOD_US * vcpus)
    is_v1 = (_ROOT / "cpu").is_dir()
    folder = (_ROOT / "cpu" if is_v1 else _ROOT) / _NAME
    folder.mkdir()
    try:
        if is_v1:
            (folder / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
            (folder / "cpu.cfs_quota_us").write_text(str(quota_us))
        else:
            (folder / "cpu.max").write_text(f"{quota_us} {_PERIOD_US}")
        yield lambda pid: _move(pid, folder)
    finally:
        _remove(folder)


def _move(pid: int, folder: Path) -> None:
    (folder / "cgroup.procs").write_text(str(pid))


def _remove(folder: Path) -> None:
    # Busy until the kernel has buried the last process.
    deadline = time.monotonic() + _END_TIMEOUT_S
    while True:
        try:
            folder.rmdir()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
