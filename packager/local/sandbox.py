"""Run programs that are not to be trusted, as a model's code, and see nothing else of the machine.

Linux namespaces without root: a user without rights, a root file system of its own of which only
/tmp can be written, no other processes, no network. `sandbox_program.py` sets them up.
"""

import contextlib
import functools
import marshal
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from packager.errors import ToolError
from packager.local import process, sandbox_program
from packager.local.interpreter import find_interpreter

USER_ID, GROUP_ID, USER_NAME = 993, 990, "sbx_user1051"
"""Lambda's; its home does not exist."""
TMP_MIB = 4096
"""The room in /tmp of what runs with :func:`run_sandboxed`."""
END_GRACE_S = 5
"""How long the kernel may take to end a sandbox."""

_DEVICES = ("null", "zero", "full", "random", "urandom")
_SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib64")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
_TRIAL_TIMEOUT_S = 30
# Imported, so that its bytecode is used: to compile it takes longer than to set up a sandbox.
_PROGRAM = f"""import sys
sys.path.append({str(Path(sandbox_program.__file__).parent)!r})
import sandbox_program
sys.exit(sandbox_program.main(int(sys.argv[1])))
"""


@dataclass(frozen=True)
class Plan:
    """A program, and all that it gets. `/dev`, `/proc` and `/tmp` it has in any case."""

    argv: tuple[str, ...]
    """The program's path first. Empty: only try whether there can be a sandbox."""
    environment: dict[str, str]
    cwd: str
    mounts: tuple[tuple[str, str, bool], ...]
    """What is seen of the machine: where it is here, where there, whether it can be written."""
    files: dict[str, str] = field(default_factory=dict)
    """Small ones, by their path, with their content."""
    links: dict[str, str] = field(default_factory=dict)
    """Symbolic links, by their path, with what they point to."""
    tmp_mib: int = TMP_MIB
    limits: dict[str, int] = field(default_factory=lambda: {"CORE": 0})
    """By the names of `resource`: `NOFILE` for RLIMIT_NOFILE."""
    keeps_network: bool = False
    """Share the machine's network. False: only a loopback address of its own."""
    outward_ports: tuple[int, ...] = ()
    """Ports of our loopback address that are to be reached under the same number."""
    inward: tuple[int, int] | tuple[()] = ()
    """A bound socket's descriptor, and the port inside that is to be reached through it."""
    memory_mib: int | None = None
    """What the program's children may take together; more, and they are killed."""
    report: tuple[int] | tuple[()] = ()
    """Descriptor of the file that gets a line for each such kill: how many MiB they had."""
    parent: int = field(default_factory=os.getpid)
    uid: int = USER_ID
    gid: int = GROUP_ID
    outer_id: int = process.NOBODY_ID
    """Whom root's programs run as, seen from outside; others' run as themselves."""


def essential_files() -> dict[str, str]:
    """Return the files in /etc without which a user has no name and a host no address."""
    return {
        "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n"
        f"{USER_NAME}:x:{USER_ID}:{GROUP_ID}::/home/{USER_NAME}:/sbin/nologin\n",
        "/etc/group": f"root:x:0:\n{USER_NAME}:x:{GROUP_ID}:\n",
        "/etc/hosts": "127.0.0.1 localhost\n",
    }


def devices() -> Iterator[tuple[str, str, bool]]:
    """Yield the mounts of the devices that a function has on Lambda; no /dev/shm among them."""
    for name in _DEVICES:
        yield f"/dev/{name}", f"/dev/{name}", True


def seen_as_is(paths: Sequence[Path], *, is_writable: bool = False) -> list[tuple[str, str, bool]]:
    """Return the mounts by which these paths, where they exist, are seen where they are."""
    return [(str(path), str(path), is_writable) for path in paths if path.exists()]


@functools.cache
def obstacle() -> str | None:
    """Return why this machine can give no sandbox; None: it can."""
    if sys.platform != "linux":
        return f"{sys.platform} has no user namespaces"
    plan = Plan((), {}, "/", tuple(devices()), tmp_mib=1)
    with tempfile.TemporaryFile() as output:
        trial = start_sandbox(plan, stdout=output, stderr=output)
        with contextlib.suppress(subprocess.TimeoutExpired):
            trial.wait(_TRIAL_TIMEOUT_S)
        process.end_group(trial, grace_s=END_GRACE_S)
        output.seek(0)
        said = output.read().decode(errors="replace").strip().removeprefix("sandbox: ")
    return (said or f"it ended with status {trial.returncode}") if trial.returncode else None


def start_sandbox(
    plan: Plan,
    *,
    stdin: IO[bytes] | int | None = subprocess.DEVNULL,
    stdout: IO[bytes] | int | None = None,
    stderr: IO[bytes] | int | None = None,
) -> subprocess.Popen[bytes]:
    """Start the program; SIGTERM ends all that it started, and so does our own end.

    Its exit status is the program's, and 128 and the signal's number where one killed it.
    """
    # Not the command line: there other users could read the variables.
    descriptor = os.memfd_create("plan", 0)
    with os.fdopen(descriptor, "r+b") as file:
        marshal.dump(asdict(plan), file)
        file.seek(0)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _PROGRAM, str(descriptor)],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=(descriptor, *plan.report, *plan.inward[:1]),
            start_new_session=True,  # Ctrl-C is ours to handle
        )


def run_sandboxed(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    input: bytes = b"",
    timeout_s: float | None = None,
    writable: Sequence[Path] = (),
    readable: Sequence[Path] = (),
    pythons: Sequence[Path] = (),
    has_stderr: bool = True,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program that executes a model's code, as `subprocess.run` does, and return its output.

    It sees, read-only, the machine's system (/usr, /lib, /bin), the environment and interpreter
    of a Python in `argv[0]`, and `readable`; no home, cache, other process or network. It can
    write `writable` and a /tmp of its own, and is a user without rights. What it started ends
    with it, and all of it when we are killed. Where the machine can give no sandbox (see
    :func:`obstacle`) it runs as ours does, and only its process group is ended.

    :param argv: its first element is a path.
    :param cwd: one of `writable` or `readable`, or below.
    :param env: all variables that it gets; TMPDIR is set to its own /tmp.
    :param writable: folders that we made for it: files in them change hands where we are root,
        so none may be a hard link to something else.
    :param pythons: other interpreters of environments that it starts.
    :param has_stderr: False leaves its stderr to the user.
    :raises ToolError: it was not done in time.
    """
    stderr = subprocess.PIPE if has_stderr else None
    if obstacle() is None:
        mounts = (
            *devices(),
            *seen_as_is([Path(path) for path in (*_SYSTEM_FOLDERS, *_SYSTEM_FILES)]),
            *(mount for python in (Path(argv[0]), *pythons) for mount in _python_mounts(python)),
            *seen_as_is(readable),
            *seen_as_is(writable, is_writable=True),
        )
        variables = dict(env) | {"TMPDIR": "/tmp"}
        # Unlike a function it may have semaphores: they are part of its /tmp.
        links = {"/dev/shm": "../tmp"}
        plan = Plan(tuple(argv), variables, str(cwd), mounts, essential_files(), links)
        for folder in writable:
            _hand_over(folder)
        running = start_sandbox(plan, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
    else:
        running = subprocess.Popen(
            [*process.tether(), *argv],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    with running:
        try:
            out, errors = running.communicate(input, timeout_s)
        except subprocess.TimeoutExpired as error:
            raise ToolError(f"it was not done after {timeout_s:g} s") from error
        finally:
            process.end_group(running, grace_s=END_GRACE_S)
    return subprocess.CompletedProcess(list(argv), running.returncode, out, errors or b"")


def _python_mounts(program: Path) -> list[tuple[str, str, bool]]:
    environment = program.parent.parent
    if not (environment / "pyvenv.cfg").exists():
        return []
    found = find_interpreter(program)
    parts = [environment, Path(found.prefix), *map(Path, found.folders)]
    return [*seen_as_is(parts), *found.program_mounts]


def _hand_over(folder: Path) -> None:
    """Let the user of a sandbox that root starts own what is in the folder."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, process.NOBODY_ID, process.NOBODY_ID, follow_symlinks=False)
