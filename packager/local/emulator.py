"""Run one function under AWS's Lambda runtime interface emulator, without Docker."""

import contextlib
import http.client
import json
import math
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import IO, Any, Self

from packager.aws.runtimes import DEFAULT_TMP_MIB, ONE_VCPU_MEMORY_MIB
from packager.errors import ToolError, ToolFailed
from packager.local import process
from packager.local.emulator_log import InvocationReport, function_output, has_end, parse_report
from packager.local.envs import ensure_env
from packager.local.function import Function, Started, Surroundings
from packager.local.invocation import Invocation, read_answer
from packager.local.lambda_sandbox import LambdaSandbox, obstacle_for
from packager.local.rie import rie_binary
from packager.local.unsandboxed import Unsandboxed
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
    """Other interpreters that the function starts, and has to reach; no environments'."""
    handler: str = "handler.main.handler"
    environment: Mapping[str, str] | None = None
    """The function's own variables; nothing else of ours reaches it."""
    memory_mib: int = ONE_VCPU_MEMORY_MIB
    """When the function takes more it is killed, as on Lambda."""
    tmp_mib: int = DEFAULT_TMP_MIB
    """The room in its /tmp."""
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
        self._started: Started
        self._surroundings: Surroundings
        self._peak_memory_mib = 0.0
        self._folder = Path()

    @property
    def user(self) -> str:
        """Whom the function runs as, in words."""
        return self._surroundings.user

    @property
    def not_enforced(self) -> tuple[str, ...]:
        """What Lambda keeps from a function and this machine does not, each in words."""
        return self._surroundings.not_enforced

    @property
    def peak_memory_mib(self) -> int | None:
        """The largest resident memory of the function with what it started; None: not asked yet."""
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
            report = stack.enter_context(self._report_file.open("wb"))
            self._surroundings = self._surround(binary, report)
            self._start(stack)
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
            reported = _size(self._report_file)
            started = time.perf_counter()
            status, body = self._post(json.dumps(event).encode())
            wall_ms = (time.perf_counter() - started) * 1000
            report = self._await_report(logged, printed)
            self._note(report)
            kills = _text(self._report_file, reported).split()
        outcome, payload, error = read_answer(status, body)
        if kills:
            outcome, payload = "crash", None
            self._peak_memory_mib = max(self._peak_memory_mib, *map(float, kills))
            error = f"Runtime.OutOfMemory: memory used {kills[0]} of {self.memory_mib} MiB"
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

    @property
    def _report_file(self) -> Path:
        return self._folder / "memory.log"

    def _surround(self, binary: Path, report: IO[bytes]) -> Surroundings:
        function = Function(
            self.task_root,
            self.python,
            self.layer,
            self.handler,
            dict(self.environment or {}),
            self.memory_mib,
            self.timeout_s,
            self.tmp_mib,
            self.programs,
        )
        reason = obstacle_for(function)
        if reason is not None:
            return Unsandboxed(function, binary, self._folder, reason)
        return LambdaSandbox(function, binary, report)

    def _start(self, stack: contextlib.ExitStack) -> None:
        output = stack.enter_context(self._output_file.open("wb"))
        log = stack.enter_context(self._log_file.open("wb"))
        for _ in range(_START_ATTEMPTS):  # somebody else may take the ports first
            started = self._surroundings.start(output, log)
            stack.callback(self._surroundings.stop, started)
            if _is_up(started):
                self._started = started
                return
        raise ToolFailed(started.argv, started.process.poll() or 0, _text(self._log_file))

    def _post(self, body: bytes) -> tuple[int, bytes]:
        wait_s = self.timeout_s + _ANSWER_GRACE_S
        connection = http.client.HTTPConnection(
            process.LOOPBACK, self._started.port, timeout=wait_s
        )
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
        for pid in process.descendants(self._started.process.pid, self._surroundings.depth):
            # With what it started: Lambda counts the whole sandbox.
            taken = (process.peak_memory_mib(one) for one in (pid, *process.child_pids(pid)))
            self._peak_memory_mib = max(self._peak_memory_mib, sum(filter(None, taken)))


def _is_up(started: Started) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and started.process.poll() is None:
        if process.is_listening(started.port):
            return True
        time.sleep(0.01)
    return False


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
