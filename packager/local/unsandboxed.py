"""Run a function where the machine can give it no sandbox: as a lesser user, and little else."""

import os
import subprocess
from pathlib import Path
from typing import IO

from packager.local import process
from packager.local.function import Function, Started, emulator_argv
from packager.local.variables import variables_here

_PROBE_TIMEOUT_S = 30
# In the function's place: does its user reach what it needs?
_PROBE = (
    "import awslambdaric, ctypes, os, ssl, sys;"
    " sys.exit(not all(os.access(path, os.R_OK | os.X_OK) for path in sys.argv[1:]))"
)
_NOT_ENFORCED = (
    "libraries and programs: it sees this machine's",
    "files: it may write wherever its user may, and has /dev/shm",
    "memory: it may take more than configured",
    "limits of files, processes and /tmp",
    "network: it has this machine's",
    "processes: it sees this machine's",
)


class Unsandboxed:
    """The emulator and its function as processes like any other.

    :param folder: for this run alone.
    :param reason: why there is no sandbox.
    """

    depth = 1

    def __init__(self, function: Function, binary: Path, folder: Path, reason: str) -> None:
        self._function = function
        self._binary = binary
        self._private = folder / "tmp"
        self._private.mkdir()
        self._prefix = self._confinement(folder)
        self.not_enforced = (f"a sandbox, for {reason}", *_NOT_ENFORCED)

    @property
    def user(self) -> str:
        """Whom the function runs as, in words."""
        if os.geteuid() != 0:
            return "the user who started it"
        if self._prefix == process.as_nobody() != ():
            return "a user without rights"
        return "root without its powers" if self._prefix else "root"

    def start(self, output: IO[bytes], log: IO[bytes]) -> Started:
        """Start the emulator with the function."""
        port, runtime_port = process.free_ports(2)
        argv = [*self._prefix, *emulator_argv(self._binary, port, runtime_port, self._function)]
        emulator = subprocess.Popen(
            argv,
            cwd=self._function.task_root,
            env=self._variables(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            # A group of its own: Ctrl-C is ours to handle.
            start_new_session=True,
        )
        return Started(emulator, port, argv)

    def stop(self, started: Started) -> None:
        """End the emulator and the function."""
        # The emulator gives the function a process group of its own: killing one is not enough.
        emulator = started.process
        functions = process.child_pids(emulator.pid)
        for pid in (emulator.pid, *functions):
            process.kill_group(pid)
        emulator.wait()
        for pid in functions:  # not our children, and at work in folders that go next
            process.await_end(pid)

    def _confinement(self, folder: Path) -> tuple[str, ...]:
        """Return the prefix that takes from the function what Lambda does not give it."""
        nobody = process.as_nobody()
        if nobody:
            process.let_nobody_in(folder)
            os.chown(self._private, process.NOBODY_ID, process.NOBODY_ID)
            function = self._function
            places = (function.task_root, function.layer, self._private, *function.programs)
            # By way of `env`: what setpriv itself starts, it still starts with root's power.
            python = [*nobody, "env", str(self._function.python)]
            if self._reaches(python, self._binary, *filter(None, places)):
                return nobody
            # The interpreter, or the task root, is in a folder that only root may enter.
            os.chown(self._private, os.geteuid(), os.getegid())
        return process.confinement()

    def _reaches(self, python: list[str], *paths: Path) -> bool:
        try:
            done = subprocess.run(
                [*python, "-c", _PROBE, *map(str, paths)],
                env=self._variables(),
                cwd=self._function.task_root,
                capture_output=True,
                check=False,
                timeout=_PROBE_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def _variables(self) -> dict[str, str]:
        variables = variables_here(self._function, self._private)
        return variables | dict(self._function.environment)
