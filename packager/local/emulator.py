"""Run one function under AWS's Lambda runtime interface emulator, without Docker."""

import contextlib
import http.client
import json
import math
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import IO, Any, Self

from packager.errors import ToolError, ToolFailed
from packager.local import process
from packager.local.emulator_log import InvocationReport, function_output, has_end, parse_report
from packager.local.envs import ensure_env
from packager.local.invocation import Invocation, read_answer
from packager.local.rie import rie_binary
from packager.local.variables import lambda_variables
from packager.progress import LOGGED, Progress

RUNTIME_PACKAGES = ("awslambdaric==4.2.2", "boto3")
"""What Lambda's Python runtime has besides the standard library."""

START_TIMEOUT_S = 15
_START_ATTEMPTS = 3
_ANSWER_GRACE_S = 20
"""How much longer than the function's own timeout we wait for the emulator's answer."""
_LOG_GRACE_S = 2
"""How long after its answer the emulator may take to write the log."""
_PATH = "/2015-03-31/functions/function/invocations"
_PROBE_TIMEOUT_S = 30
# In the function's place: does its user reach what it needs?
_PROBE = (
    "import awslambdaric, ctypes, os, ssl, sys;"
    " sys.exit(not all(os.access(path, os.R_OK | os.X_OK) for path in sys.argv[1:]))"
)


def runtime_python(version: str, *, progress: Progress = LOGGED) -> Path:
    """Return a Python with the packages of Lambda's runtime and nothing else.

    :param version: the minor version, as `3.11`.
    :raises ToolMissing: no interpreter of that version is on this machine.
    """
    # The function runs as somebody who may not write there.
    return ensure_env("runtime", version, RUNTIME_PACKAGES, is_compiled=True, progress=progress)


@dataclass(eq=False)
class Emulator:
    """A sandbox with one function in it: cold at the first invocation, warm afterwards.

    A context manager; close it in the thread that opened it. Invocations of one emulator
    wait for each other (it crashes on concurrent ones): open several to run in parallel.

    :raises ToolMissing: the emulator does not exist for this machine.
    :raises ToolFailed: the emulator did not start.
    """

    task_root: Path
    """The unpacked zip; the function's working directory."""
    _: KW_ONLY
    python: Path
    """An interpreter of the target's version with Lambda's runtime packages."""
    layer: Path | None = None
    """The unpacked layer, where there is one."""
    programs: tuple[Path, ...] = ()
    """Others that the function starts, and has to reach."""
    handler: str = "handler.main.handler"
    environment: Mapping[str, str] | None = None
    """The function's own variables; nothing else of ours reaches it."""
    memory_mib: int = 1769
    """What the function is told it has; not enforced."""
    timeout_s: int = 30
    """For one invocation, and here for init too."""
    progress: Progress = LOGGED

    def __post_init__(self) -> None:
        self.task_root = self.task_root.absolute()
        self.layer = self.layer and self.layer.absolute()
        self.init_duration_ms: float | None = None
        """Of the latest init; None before the first invocation, which starts it."""
        self._turn = threading.Lock()
        self._cleanup = contextlib.ExitStack()
        self._port = 0
        self._pid = 0
        self._peak_memory_mib = 0.0
        self._folder = Path()
        self._prefix: tuple[str, ...] = ()

    @property
    def user(self) -> str:
        """Whom the function runs as, in words."""
        if os.geteuid() != 0:
            return "the user who started it"
        if self._prefix == process.as_nobody() != ():
            return "a user without rights"
        return "root without its powers" if self._prefix else "root"

    @property
    def peak_memory_mib(self) -> int | None:
        """The largest resident memory of the function's process; None before the first answer."""
        return math.ceil(self._peak_memory_mib) or None

    @property
    def log(self) -> str:
        """All that the function printed so far; gone when the emulator is closed."""
        return function_output(_text(self._output_file))

    def __enter__(self) -> Self:
        binary = rie_binary(progress=self.progress)
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="packager-run-"))
            self._folder = Path(folder)
            (self._folder / "tmp").mkdir()
            self._prefix = self._confinement(binary)
            self._start(binary, stack)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def invoke(self, event: Any) -> Invocation:
        """Hand one event to the function and wait for what comes of it.

        :param event: anything that JSON can hold.
        :raises ToolError: the emulator itself gave no answer.
        """
        with self._turn:
            logged, printed = _size(self._log_file), _size(self._output_file)
            started = time.perf_counter()
            status, body = self._post(json.dumps(event).encode())
            wall_ms = (time.perf_counter() - started) * 1000
            report = self._await_report(logged, printed)
            self._note(report)
        outcome, payload, error = read_answer(status, body)
        return Invocation(
            outcome=outcome,
            payload=payload,
            error=error,
            duration_ms=_duration_ms(report, wall_ms),
            init_duration_ms=report.init_duration_ms,
            cold_start=report.is_cold_start,
            peak_memory_mib=self.peak_memory_mib,
            log=function_output(_text(self._output_file, printed)),
        )

    @property
    def _log_file(self) -> Path:
        return self._folder / "emulator.log"

    @property
    def _output_file(self) -> Path:
        return self._folder / "function.log"

    def _start(self, binary: Path, stack: contextlib.ExitStack) -> None:
        output = stack.enter_context(self._output_file.open("wb"))
        log = stack.enter_context(self._log_file.open("wb"))
        for _ in range(_START_ATTEMPTS):  # somebody else may take the ports first
            self._port, runtime_port = process.free_ports(2)
            argv = self._argv(binary, runtime_port)
            emulator = self._spawn(argv, output, log)
            stack.callback(_stop, emulator)
            if self._is_up(emulator):
                self._pid = emulator.pid
                return
        raise ToolFailed(argv, emulator.poll() or 0, _text(self._log_file))

    def _confinement(self, binary: Path) -> tuple[str, ...]:
        """Return the prefix that takes from the function what Lambda does not give it."""
        nobody = process.as_nobody()
        if nobody:
            process.let_nobody_in(self._folder)
            private = self._folder / "tmp"
            os.chown(private, process.NOBODY_ID, process.NOBODY_ID)
            places = [
                path for path in (self.task_root, self.layer, private, *self.programs) if path
            ]
            # By way of `env`: what setpriv itself starts, it still starts with root's power.
            if self._reaches([*nobody, "env", str(self.python)], binary, *places):
                return nobody
            # The interpreter, or the task root, is in a folder that only root may enter.
            os.chown(private, os.geteuid(), os.getegid())
        return process.confinement()

    def _reaches(self, python: list[str], *paths: Path) -> bool:
        argv = [*python, "-c", _PROBE, *map(str, paths)]
        try:
            done = subprocess.run(
                argv,
                env=self._variables(),
                cwd=self.task_root,
                capture_output=True,
                check=False,
                timeout=_PROBE_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def _argv(self, binary: Path, runtime_port: int) -> list[str]:
        # Without both addresses the emulator listens on all interfaces, on fixed ports.
        options = [
            *("--log-level", "info"),
            *("--runtime-interface-emulator-address", f"{process.LOOPBACK}:{self._port}"),
            *("--runtime-api-address", f"{process.LOOPBACK}:{runtime_port}"),
        ]
        runtime = [str(self.python), "-m", "awslambdaric", self.handler]
        return [*self._prefix, str(binary), *options, *runtime]

    def _spawn(self, argv: list[str], output: IO[bytes], log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            argv,
            cwd=self.task_root,
            env=self._variables(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            # A group of its own: Ctrl-C is ours to handle.
            start_new_session=True,
        )

    def _variables(self) -> dict[str, str]:
        variables = lambda_variables(
            self.task_root,
            layer=self.layer,
            private=self._folder / "tmp",
            handler=self.handler,
            memory_mib=self.memory_mib,
            timeout_s=self.timeout_s,
        )
        return variables | dict(self.environment or {})

    def _is_up(self, emulator: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and emulator.poll() is None:
            if process.is_listening(self._port):
                return True
            time.sleep(0.01)
        return False

    def _post(self, body: bytes) -> tuple[int, bytes]:
        wait_s = self.timeout_s + _ANSWER_GRACE_S
        connection = http.client.HTTPConnection(process.LOOPBACK, self._port, timeout=wait_s)
        with contextlib.closing(connection):
            try:
                connection.request("POST", _PATH, body)
                response = connection.getresponse()
                return response.status, response.read()
            except (OSError, http.client.HTTPException) as error:
                tail = "\n".join(_text(self._log_file).splitlines()[-5:])
                raise ToolError(f"the emulator gave no answer ({error}):\n{tail}") from error

    def _await_report(self, logged: int, printed: int) -> InvocationReport:
        # The emulator answers first and writes its log afterwards.
        deadline = time.monotonic() + _LOG_GRACE_S
        while True:
            report = parse_report(_text(self._log_file, logged))
            is_over = report.is_finished and (
                report.duration_ms is None or has_end(_text(self._output_file, printed))
            )
            if is_over or time.monotonic() > deadline:
                return report
            time.sleep(0.005)

    def _note(self, report: InvocationReport) -> None:
        if report.init_duration_ms is not None:
            self.init_duration_ms = report.init_duration_ms
        for pid in process.child_pids(self._pid):
            # With what it started: Lambda counts the whole sandbox.
            taken = (process.peak_memory_mib(one) for one in (pid, *process.child_pids(pid)))
            self._peak_memory_mib = max(self._peak_memory_mib, sum(filter(None, taken)))


def _stop(emulator: subprocess.Popen[bytes]) -> None:
    # The emulator gives the function a process group of its own: killing one is not enough.
    functions = process.child_pids(emulator.pid)
    for pid in (emulator.pid, *functions):
        process.kill_group(pid)
    emulator.wait()
    for pid in functions:  # not our children, and at work in folders that go next
        process.await_end(pid)


def _duration_ms(report: InvocationReport, wall_ms: float) -> float:
    if report.duration_ms is not None:
        return report.duration_ms
    return max(0.0, wall_ms - (report.init_duration_ms or 0.0))


def _size(path: Path) -> int:
    return path.stat().st_size


def _text(path: Path, offset: int = 0) -> str:
    with path.open("rb") as file:
        file.seek(offset, os.SEEK_SET)
        return file.read().decode("utf-8", errors="replace")
