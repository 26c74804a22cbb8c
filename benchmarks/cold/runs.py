"""One cold start: a new process under AWS's runtime interface emulator, to its first answer."""

import contextlib
import http.client
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cold.variants import Variant
from benchmarks.cold.work import BenchError
from packager.local import process
from packager.local.emulator import runtime_python
from packager.local.function import Function
from packager.local.rie import rie_binary
from packager.local.storage import embedded_environment
from packager.local.variables import variables_here

_PATH = "/2015-03-31/functions/function/invocations"
_TIMEOUT_S = 300
_START_TIMEOUT_S = 15
_TAIL_CHARACTERS = 2000
_CPU_CLOCK = 2
"""CPUCLOCK_SCHED of the kernel's clock ids for other processes: to the nanosecond, all threads
and those that ended. /proc/PID/stat counts in 10 ms."""

Confine = Callable[[int], None]
"""Limits a process, by its id, before it starts the function's."""


@dataclass(frozen=True)
class ColdRun:
    """One cold start, from the request that starts the process to its answer."""

    wall_s: float
    cpu_s: float
    """Of the function's process, all threads."""
    peak_mb: float
    """Largest resident memory of the function's process, MB."""
    resident_mb: float
    """Its resident memory after the answer."""
    body: str
    """Of the answer."""


@dataclass(frozen=True)
class Ground:
    """What every run needs."""

    endpoint_url: str
    """Of the S3."""
    python: Path
    """With Lambda's own packages."""
    emulator: Path

    @classmethod
    def at(cls, endpoint_url: str, python: str) -> "Ground":
        """Get the tools; at the first call on a machine they are downloaded."""
        return cls(endpoint_url, runtime_python(python), rie_binary())


def run_cold(
    variant: Variant, event: dict[str, Any], ground: Ground, confine: Confine | None = None
) -> ColdRun:
    """Start the function and measure its first answer.

    :raises BenchError: the answer is not 200; with what the function printed.
    """
    with private_folder() as folder, _emulator(variant, ground, folder) as (port, emulator):
        if confine:
            confine(emulator.pid)
        started_s = time.perf_counter()
        answer = _post(port, json.dumps(event).encode())
        wall_s = time.perf_counter() - started_s
        pids = process.child_pids(emulator.pid)
        log = (folder / "log").read_text(errors="replace")[-_TAIL_CHARACTERS:]
        if len(pids) != 1 or answer.get("statusCode") != http.HTTPStatus.OK:
            raise BenchError(f"{variant.title} answered {str(answer)[:1000]}\n{log}")
        return ColdRun(
            wall_s=wall_s,
            cpu_s=time.clock_gettime(~pids[0] << 3 | _CPU_CLOCK),
            peak_mb=_memory_mb(pids[0], "VmHWM"),
            resident_mb=_memory_mb(pids[0], "VmRSS"),
            body=answer["body"],
        )


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a new folder for a run, with an empty one for the function's /tmp in it."""
    with tempfile.TemporaryDirectory(prefix="packager-cold-") as name:
        folder = Path(name)
        (folder / "tmp").mkdir()
        yield folder


def function_variables(variant: Variant, ground: Ground, folder: Path) -> dict[str, str]:
    """Return all variables of the function's process.

    :param folder: a :func:`private_folder`.
    """
    function = Function(
        variant.task_root,
        ground.python,
        None,
        variant.handler,
        {},
        memory_mib=1769,
        timeout_s=_TIMEOUT_S,
    )
    variables = variables_here(function, folder / "tmp")
    return variables | embedded_environment(ground.endpoint_url) | dict(variant.environment)


@contextlib.contextmanager
def _emulator(
    variant: Variant, ground: Ground, folder: Path
) -> "Iterator[tuple[int, subprocess.Popen[bytes]]]":
    port, runtime_port = process.free_ports(2)
    argv = [
        *process.confinement(),
        str(ground.emulator),
        *("--log-level", "error"),
        *("--runtime-interface-emulator-address", f"{process.LOOPBACK}:{port}"),
        *("--runtime-api-address", f"{process.LOOPBACK}:{runtime_port}"),
        *(str(ground.python), "-m", "awslambdaric", variant.handler),
    ]
    with (folder / "log").open("wb") as log:
        emulator = subprocess.Popen(
            argv,
            cwd=variant.task_root,
            env=function_variables(variant, ground, folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _await(port, emulator)
        yield port, emulator
    finally:
        # The emulator gives the function a process group of its own.
        functions = process.child_pids(emulator.pid)
        for pid in (emulator.pid, *functions):
            process.kill_group(pid)
        emulator.wait()
        for pid in functions:
            process.await_end(pid)


def _await(port: int, emulator: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not process.is_listening(port):
        if emulator.poll() is not None or time.monotonic() > deadline:
            raise BenchError("the emulator does not start")
        time.sleep(0.01)


def _post(port: int, body: bytes) -> dict[str, Any]:
    connection = http.client.HTTPConnection(process.LOOPBACK, port, timeout=_TIMEOUT_S)
    with contextlib.closing(connection):
        connection.request("POST", _PATH, body)
        text = connection.getresponse().read().decode(errors="replace")
    try:
        answer = json.loads(text)
    except ValueError:
        answer = {"text": text}
    return answer if isinstance(answer, dict) else {"text": text}


def _memory_mb(pid: int, name: str) -> float:
    found = re.search(rf"^{name}:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
    assert found is not None
    return int(found[1]) * 1024 / 1e6
