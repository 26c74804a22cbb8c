"""Free ports, child processes and their memory: what the local servers need of the system."""

import contextlib
import functools
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
NOBODY_ID = 65534
"""User and group that own nothing, on every Linux (the kernel's overflow id)."""
_END_TIMEOUT_S = 5


@contextlib.contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does; by default it would leave all behind.

    For a command line, in its main thread.

    :raises KeyboardInterrupt: the signal came.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def end_group(process: "subprocess.Popen[bytes]", *, grace_s: float) -> None:
    """Ask the process group that this child leads to end; after the grace, make it."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
    kill_group(process.pid)
    process.wait()


def free_ports(count: int) -> list[int]:
    """Return this many ports of the loopback address that nobody listens on just now."""
    with contextlib.ExitStack() as stack:
        # All open at once, or the kernel may hand out the same one twice.
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for item in sockets:
            item.bind((LOOPBACK, 0))
        return [item.getsockname()[1] for item in sockets]


def is_listening(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether somebody accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def child_pids(parent: int) -> list[int]:
    """Return the process's direct children (Linux: read from /proc)."""
    return descendants(parent, 1)


def descendants(pid: int, depth: int) -> list[int]:
    """Return the processes so many generations below this one (Linux: read from /proc)."""
    children = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = _stat_fields(path)
        if fields:
            children[int(fields[1])].append(int(path.parent.name))
    generation = [pid]
    for _ in range(depth):
        generation = [child for parent in generation for child in children[parent]]
    return generation


def peak_memory_mib(pid: int) -> float | None:
    """Return the process's largest resident memory so far; None when it is gone."""
    with contextlib.suppress(OSError):
        found = re.search(r"^VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
        return int(found[1]) / 1024 if found else None
    return None


def kill_group(pid: int) -> None:
    """End the process group that this process leads, at once; gone already is fine."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def await_end(pid: int) -> None:
    """Wait until a killed process that is not our child has ended (Linux), a while at most."""
    deadline = time.monotonic() + _END_TIMEOUT_S
    while _is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.005)


def _is_running(pid: int) -> bool:
    fields = _stat_fields(Path(f"/proc/{pid}/stat"))
    return bool(fields) and fields[0] != "Z"


def _stat_fields(path: Path) -> list[str]:
    """Return what follows the command's name: state, parent, ...; nothing when it is gone."""
    with contextlib.suppress(OSError):
        # proc(5): the name may hold anything, so count after its last bracket.
        return path.read_text().rpartition(")")[2].split()
    return []


def tether() -> tuple[str, ...]:
    """Return the command prefix by which a program ends when we do, even by `kill -9`.

    Empty where there is no `setpriv` (util-linux, Linux only). To be precise it ends with
    the thread that starts it: a program must not outlive the block that runs it.
    """
    return _setpriv("--pdeathsig", "TERM")


def confinement() -> tuple[str, ...]:
    """Return :func:`tether`'s prefix, under which file modes bind even root.

    Root writes where no mode allows it, and does much else, by its capabilities: all are taken
    away for the program and what it starts.
    """
    if os.geteuid() != 0:
        return tether()
    prefix = _setpriv("--pdeathsig", "KILL", "--bounding-set", "-all")
    if not prefix:
        logger.warning("root without setpriv: the function can write to its task root")
    return prefix


def as_nobody() -> tuple[str, ...]:
    """Return :func:`tether`'s prefix for a user without any rights, as Lambda's is.

    Empty where we are not root, have no `setpriv`, or are in a container without that user.
    """
    if os.geteuid() != 0:
        return ()
    identity = ("--reuid", str(NOBODY_ID), "--regid", str(NOBODY_ID), "--clear-groups")
    return _setpriv(*identity, "--pdeathsig", "KILL")


def let_nobody_in(folder: Path) -> None:
    """Let the user of :func:`as_nobody`, and none other, reach what is in our folder.

    Does nothing where we cannot start programs as that user.
    """
    if as_nobody():
        os.chown(folder, -1, NOBODY_ID)
        folder.chmod(0o710)


@functools.cache
def _setpriv(*options: str) -> tuple[str, ...]:
    program = shutil.which("setpriv")
    if program is None:
        return ()
    prefix = (program, *options)
    # Busybox has a lesser one, and a container may not let us.
    tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if tried.returncode == 0 else ()
