"""Run a function in what Lambda gives it: the runtime, the task, a /tmp and nothing else."""

import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from packager.aws.runtimes import RUNTIMES
from packager.local import process
from packager.local.function import Function, Started, emulator_argv
from packager.local.interpreter import Interpreter, find_interpreter
from packager.local.sandbox import (
    END_GRACE_S,
    Plan,
    devices,
    essential_files,
    obstacle,
    seen_as_is,
    start_sandbox,
)
from packager.local.variables import lambda_variables

TASK_ROOT, LAYERS = "/var/task", "/opt"

_EMULATOR = "/usr/local/bin/aws-lambda-rie"
_PORT, _RUNTIME_PORT = 8080, 9001
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_LIMITS = {"NOFILE": 1024, "NPROC": 1024, "CORE": 0}
_LIBRARIES = "/usr/lib64"
_SYSTEM_FOLDERS = ("/lib", "/usr/lib")
_LIBRARY_NAMES = frozenset(name for runtime in RUNTIMES for name in runtime.system.libraries)
# Amazon Linux has them too: its C library needs the time zones, TLS the certificates.
_SHELL = Path("/bin/sh")
_SHARED_FILES = ("/etc/localtime", "/usr/share/zoneinfo", "/etc/ssl/certs", "/etc/pki")
_CERTIFICATES = ("/usr/share/ca-certificates",)  # what those in /etc are links to
_NETWORK_FILES = ("/etc/resolv.conf", "/etc/nsswitch.conf")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_LOOPBACK_HOSTS = (process.LOOPBACK, "localhost")


def obstacle_for(function: Function) -> str | None:
    """Return why the function cannot have a sandbox; None: it can."""
    if not (_environment(function) / "pyvenv.cfg").exists():
        return f"{function.python} is not an environment's"
    reason = obstacle()
    if reason is None and os.geteuid() == 0:
        for path in filter(None, (function.task_root, function.layer, _environment(function))):
            if path.stat().st_mode & 0o005 != 0o005:
                return f"{path} is closed to all users but root"
    return reason


class LambdaSandbox:
    """The emulator and its function in namespaces of their own.

    :param report: gets a line when the function was killed for its memory: the MiB that it had.
    """

    user = "a user without rights"
    depth = 3

    def __init__(self, function: Function, binary: Path, report: IO[bytes]) -> None:
        self._function = function
        self._binary = binary
        self._report = report
        self._ports, self._keeps_network = _ways_out(function)
        network = "network: it has this machine's, to reach its S3"
        self.not_enforced: tuple[str, ...] = (network,) if self._keeps_network else ()

    def start(self, output: IO[bytes], log: IO[bytes]) -> Started:
        """Start the emulator with the function."""
        port, runtime_port = _PORT, _RUNTIME_PORT
        if self._keeps_network:  # there others listen too
            port, runtime_port = process.free_ports(2)
        argv = emulator_argv(_EMULATOR, port, runtime_port, self._function)
        with socket.socket() as door:
            # Bound and not listening: it is when the emulator is.
            door.bind((process.LOOPBACK, 0))
            plan = self._plan(argv, (door.fileno(), port))
            started = start_sandbox(plan, stdout=output, stderr=log)
            return Started(started, door.getsockname()[1], list(argv))

    def stop(self, started: Started) -> None:
        """End it, the function and all that this started."""
        process.end_group(started.process, grace_s=END_GRACE_S)

    def _plan(self, argv: tuple[str, ...], inward: tuple[int, int]) -> Plan:
        function = self._function
        interpreters = [
            find_interpreter(path, libraries=_LIBRARY_NAMES)
            for path in (function.python, *function.programs)
        ]
        variables = lambda_variables(function, TASK_ROOT, LAYERS if function.layer else None)
        multiarch = f"/usr/lib/{os.uname().machine}-linux-gnu"
        return Plan(
            argv,
            variables | dict(function.environment),
            TASK_ROOT,
            # One may share the libraries of another.
            tuple(dict.fromkeys(self._mounts(interpreters))),
            essential_files(),
            {"/lib64": "usr/lib64", "/lib": "usr/lib", multiarch: "../lib64"},
            tmp_mib=function.tmp_mib,
            limits=_LIMITS,
            keeps_network=self._keeps_network,
            outward_ports=self._ports,
            inward=inward,
            memory_mib=function.memory_mib,
            report=(self._report.fileno(),),
        )

    def _mounts(self, interpreters: Sequence[Interpreter]) -> Iterator[tuple[str, str, bool]]:
        function = self._function
        yield from devices()
        yield str(function.task_root), TASK_ROOT, False
        # Each by itself: an interpreter may be installed in /opt.
        for path in function.layer.iterdir() if function.layer else ():
            yield str(path), f"{LAYERS}/{path.name}", False
        yield str(self._binary), _EMULATOR, False
        yield from seen_as_is([_environment(function)])
        for interpreter in interpreters:
            yield from seen_as_is([Path(path) for path in interpreter.folders])
            yield from interpreter.program_mounts
            yield from _library_mounts(interpreter)
        yield str(_SHELL.resolve()), str(_SHELL), False
        files = (*_SHARED_FILES, *_CERTIFICATES, *(_NETWORK_FILES if self._keeps_network else ()))
        yield from seen_as_is([Path(path) for path in files])


def _environment(function: Function) -> Path:
    return function.python.parent.parent


def _library_mounts(interpreter: Interpreter) -> Iterator[tuple[str, str, bool]]:
    for path, names in interpreter.libraries.items():
        folders = [_LIBRARIES]
        if not path.startswith(_SYSTEM_FOLDERS):  # where its own path to libraries leads to
            folders.append(str(Path(path).parent))
        for name in names:
            if name.startswith("ld-linux"):  # where programs name it
                folders.append("/usr/lib")
            if name.startswith("libpython"):
                folders.append("/var/lang/lib")
            for folder in folders:
                yield path, f"{folder}/{name}", False


def _ways_out(function: Function) -> tuple[tuple[int, ...], bool]:
    """Return the ports of our loopback address where its S3 is, and whether it is elsewhere."""
    given = [function.environment[name] for name in _ENDPOINTS if name in function.environment]
    if not given:
        return (), "MODEL_BUCKET" in function.environment
    parts = urlsplit(given[0])
    if parts.hostname in _LOOPBACK_HOSTS and parts.port:
        return (parts.port,), False
    return (), True
