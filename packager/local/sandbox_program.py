"""Builds a root file system of its own for one program, runs it there, and ends its whole tree.

A program by itself, of the standard library's lightest: `python -I -S` imports it from its folder
and calls :func:`main`. Of three processes

- the first one stays in our process namespace and waits; SIGTERM ends the sandbox, whole;
- its helper stays outside of all namespaces: it writes the user's map, and carries connections
  from the sandbox to ports of our loopback address;
- process 1 of the sandbox mounts what is to be seen, starts the program, carries connections to
  it, watches its memory and reaps. The kernel ends all others with it.

Exit status 125, with one line on stderr: there can be no such sandbox here.
Sources: user_namespaces(7), pid_namespaces(7), mount_namespaces(7), pivot_root(2), prctl(2).
"""

import contextlib
import ctypes
import fcntl
import marshal
import os
import resource
import select
import signal
import socket
import stat
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

NO_SANDBOX_STATUS = 125
LOOPBACK = "127.0.0.1"

_NEW_MOUNTS, _NEW_NAMES, _NEW_IPC = 0x00020000, 0x04000000, 0x08000000
_NEW_USERS, _NEW_PIDS, _NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000
_NO_SUID, _NO_DEVICES = 0x2, 0x4
_DETACH = 2
_MOUNT_SETATTR = 442  # on every architecture
_ATTRIBUTE_READ_ONLY, _ATTRIBUTE_NO_SUID = 0x1, 0x2
_HERE, _WHOLE_TREE = -100, 0x8000
_DEATH_SIGNAL, _DROP_CAPABILITY, _NO_NEW_PRIVILEGES = 1, 24, 38
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
# A folder that every Linux has, and that nothing of ours is in: the new root grows on it.
_GROUND = "/sys"
_WATCH_S = 0.02
_BUFFER_BYTES = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)


def main(descriptor: int) -> int:
    """Run a program and return its exit status.

    :param descriptor: of a file with a marshalled :class:`packager.local.sandbox.Plan`.
    """
    with os.fdopen(descriptor, "rb") as file:
        plan = marshal.load(file)
    # Ours alone: the program shall not inherit them.
    for inherited in (*plan["report"], *plan["inward"][:1]):
        os.set_inheritable(inherited, False)
    ours, theirs = socket.socketpair()
    helper = _fork(lambda: _help(ours, plan))
    ours.close()
    _unshare(plan)
    theirs.send(b"?")
    if theirs.recv(1) != b"!":
        _refuse("the user's map cannot be written")
    alive, end = os.pipe()
    first = _fork(lambda: _be_first(plan, theirs, alive, end))
    theirs.close()
    signal.signal(signal.SIGTERM, lambda *_: os.kill(first, signal.SIGKILL))
    _call(_libc.prctl, _DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != plan["parent"]:  # it ended before we were tied to it
        os.kill(first, signal.SIGKILL)
    # Once it is reaped the kernel has ended all others in the sandbox.
    status = _exit_status(os.waitpid(first, 0)[1])
    os.kill(helper, signal.SIGKILL)
    os.waitpid(helper, 0)
    return status


# ---- outside


def _unshare(plan: dict[str, Any]) -> None:
    wanted = _NEW_USERS | _NEW_MOUNTS | _NEW_PIDS | _NEW_IPC | _NEW_NAMES
    if not plan["keeps_network"]:
        wanted |= _NEW_NETWORK
    try:
        _call(_libc.unshare, wanted)
    except OSError as error:
        _refuse(f"user namespaces cannot be had: {error.strerror}")


def _help(channel: socket.socket, plan: dict[str, Any]) -> int:
    """Write the user's map, then carry connections to our loopback address until we are killed."""
    _call(_libc.prctl, _DEATH_SIGNAL, signal.SIGKILL)
    _leave_streams()
    if channel.recv(1) != b"?":
        return 1
    target = f"/proc/{os.getppid()}"
    users, groups = f"{plan['uid']} {os.geteuid()} 1\n", f"{plan['gid']} {os.getegid()} 1\n"
    try:
        if os.geteuid() == 0:
            # Root within the namespace sets it up. The program is nobody outside: what belongs to
            # root there, as the kernel's settings in /proc, is not its own.
            users = f"0 0 1\n{plan['uid']} {plan['outer_id']} 1\n"
            groups = f"0 0 1\n{plan['gid']} {plan['outer_id']} 1\n"
        else:
            _write(f"{target}/setgroups", "deny")
        _write(f"{target}/gid_map", groups)
        _write(f"{target}/uid_map", users)
    except OSError:
        return 1
    channel.send(b"!")
    ports = plan["outward_ports"]
    if not ports or plan["keeps_network"]:
        return 0
    _, descriptors, _, _ = socket.recv_fds(channel, 1, len(ports))
    for port, descriptor in zip(ports, descriptors, strict=True):
        _in_background(_carry, socket.socket(fileno=descriptor), port)
    return _wait_forever()


# ---- process 1 of the sandbox


def _be_first(plan: dict[str, Any], channel: socket.socket, alive: int, end: int) -> int:
    _call(_libc.prctl, _DEATH_SIGNAL, signal.SIGKILL)
    os.close(end)
    if select.select([alive], [], [], 0)[0]:  # our parent ended before we were tied to it
        return 1
    try:
        _make_root(plan)
        if not plan["keeps_network"]:
            _make_network(plan["outward_ports"], channel)
        socket.sethostname("localhost")
    except OSError as error:
        _refuse(f"{error.filename or 'setting up'}: {error.strerror}")
    channel.close()
    if not plan["argv"]:  # a trial
        return 0
    program = _fork(lambda: _become(plan))
    if plan["inward"]:
        descriptor, port = plan["inward"]
        _in_background(_open_door, socket.socket(fileno=descriptor), port)
    if plan["memory_mib"]:
        _in_background(_watch_memory, plan["memory_mib"], *plan["report"], program)
    _leave_streams()
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == program:
            return _exit_status(status)


def _make_network(outward_ports: list[int], channel: socket.socket) -> None:
    """Open the loopback address, and let the helper have what listens for it."""
    _open_loopback()
    listeners = [_listen(port) for port in outward_ports]
    if listeners:
        socket.send_fds(channel, [b"."], [item.fileno() for item in listeners])
    for item in listeners:
        item.close()


def _make_root(plan: dict[str, Any]) -> None:
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _mount("tmpfs", _GROUND, "tmpfs", _NO_SUID | _NO_DEVICES, "mode=755,size=16m")
    os.umask(0o022)
    for folder in ("/tmp", "/proc", "/opt"):
        os.mkdir(_GROUND + folder)
    size = f"mode=1777,size={plan['tmp_mib']}m"
    _mount("tmpfs", f"{_GROUND}/tmp", "tmpfs", _NO_SUID | _NO_DEVICES, size)
    _mount("proc", f"{_GROUND}/proc", "proc", _NO_SUID | _NO_DEVICES)
    # A folder before what is in it.
    for source, target, is_writable in sorted(plan["mounts"], key=lambda item: str(item[1])):
        _show(source, _GROUND + target, is_writable=is_writable)
    for path, content in plan["files"].items():
        os.makedirs(os.path.dirname(_GROUND + path), exist_ok=True)
        _write(_GROUND + path, content)
    for path, content in plan["links"].items():
        os.makedirs(os.path.dirname(_GROUND + path), exist_ok=True)
        os.symlink(content, _GROUND + path)
    with contextlib.suppress(OSError):  # a namespace in the sandbox would have powers again
        _write(f"{_GROUND}/proc/sys/user/max_user_namespaces", "0")
    _restrict(_GROUND, is_recursive=False)
    os.chdir(_GROUND)
    _call(_libc.pivot_root, b".", b".")
    _call(_libc.umount2, b".", _DETACH)
    os.chdir("/")


def _show(source: str, target: str, *, is_writable: bool) -> None:
    """Let what is at `source` be seen at `target`; what is there as part of a folder is already."""
    kind = os.stat(source)
    with contextlib.suppress(OSError):
        if os.path.samestat(kind, os.stat(target)) and not is_writable:
            return
    if stat.S_ISDIR(kind.st_mode):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(source, target, None, _BIND | _RECURSIVE)
    if not is_writable:
        _restrict(target, is_recursive=True)


def _become(plan: dict[str, Any]) -> NoReturn:
    """Give up all powers and become the program."""
    try:
        for name, limit in plan["limits"].items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))
        with contextlib.suppress(OSError):  # the last one is the kernel's to know
            for capability in range(64):
                _call(_libc.prctl, _DROP_CAPABILITY, capability)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
            signal.signal(number, signal.SIG_DFL)
        if os.getuid() == 0:
            os.setgroups([])
        os.setresgid(plan["gid"], plan["gid"], plan["gid"])
        os.setresuid(plan["uid"], plan["uid"], plan["uid"])
        _call(_libc.prctl, _NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        os.chdir(plan["cwd"])
        os.execve(plan["argv"][0], plan["argv"], plan["environment"])
    except OSError as error:
        sys.stderr.write(f"{error.filename or plan['argv'][0]}: {error.strerror}\n")
        os._exit(127)


def _watch_memory(limit_mib: int, report: int, program: int) -> None:
    """End what `program` started when together it takes more; say in the report how much."""
    while True:
        time.sleep(_WATCH_S)
        pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
        # We and the program, the platform's part, do not count on Lambda.
        watched = [pid for pid in pids if pid not in (1, program)]
        used_kib = sum(map(_own_memory_kib, watched))
        if used_kib > limit_mib * 1024 and len(watched) > 1:  # what a fork shares counts once
            used_kib = sum(map(_shared_memory_kib, watched))
        if used_kib > limit_mib * 1024:
            os.write(report, f"{-(-used_kib // 1024)}\n".encode())
            for pid in watched:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _own_memory_kib(pid: int) -> int:
    """Return what the process has that the kernel cannot take back: no pages of files."""
    return _sum_kib(f"/proc/{pid}/status", (b"RssAnon:", b"VmSwap:"))


def _shared_memory_kib(pid: int) -> int:
    return _sum_kib(f"/proc/{pid}/smaps_rollup", (b"Pss_Anon:", b"SwapPss:"))


def _sum_kib(path: str, names: tuple[bytes, ...]) -> int:
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith(names))
    return 0


# ---- connections


def _open_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, _GET_FLAGS, request))[1]
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14x", b"lo", flags | _UP))


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, port))
    listener.listen(128)
    return listener


def _connect(port: int) -> socket.socket:
    """Return a connection to a port of the namespace that we are in.

    Not by `socket.create_connection`: it imports, and our own standard library may be out of sight.

    :raises OSError: nobody listens there.
    """
    connection = socket.socket()
    try:
        connection.connect((LOOPBACK, port))
    except OSError:
        connection.close()
        raise
    return connection


def _open_door(door: socket.socket, port: int) -> None:
    """Listen, outside, once the program does so inside."""
    while True:
        with contextlib.suppress(OSError), _connect(port):
            break
        time.sleep(0.005)
    door.listen(128)
    _carry(door, port)


def _carry(door: socket.socket, port: int) -> None:
    """Connect all who come through the door with this port, of the namespace that we are in."""
    while True:
        visitor, _ = door.accept()
        try:
            host = _connect(port)
        except OSError:
            visitor.close()
            continue
        for sender, receiver in ((visitor, host), (host, visitor)):
            sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _in_background(_pump, sender, receiver)


def _pump(sender: socket.socket, receiver: socket.socket) -> None:
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    with contextlib.suppress(OSError):
        while count := sender.recv_into(buffer):
            receiver.sendall(buffer[:count])
    # What comes the other way still comes; both ways shut, the socket is gone with its threads.
    for end, way in ((receiver, socket.SHUT_WR), (sender, socket.SHUT_RD)):
        with contextlib.suppress(OSError):
            end.shutdown(way)


# ---- the system


def _fork(job: Callable[[], int]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        status = job()
    except SystemExit as ended:
        status = int(ended.code or 0)
    except BaseException as error:
        sys.stderr.write(f"sandbox: {type(error).__name__}: {error}\n")
    finally:
        os._exit(status)


def _in_background(job: Callable[..., None], *args: Any) -> None:
    threading.Thread(target=job, args=args, daemon=True).start()


def _wait_forever() -> NoReturn:
    while True:
        signal.pause()


def _leave_streams() -> None:
    """Let go of the program's streams: who reads them waits until nobody has them."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)


def _exit_status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _refuse(reason: str) -> NoReturn:
    sys.stderr.write(f"sandbox: {reason}\n")
    sys.exit(NO_SANDBOX_STATUS)


def _write(path: str, content: str) -> None:
    with open(path, "w") as file:
        file.write(content)


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    texts = [item and os.fsencode(item) for item in (source, target, kind)]
    _call(_libc.mount, *texts, ctypes.c_ulong(flags), data.encode() or None, path=target)


def _restrict(path: str, *, is_recursive: bool) -> None:
    """Make what is mounted there read-only, and what is mounted in it where it is recursive."""
    attributes = struct.pack("4Q", _ATTRIBUTE_READ_ONLY | _ATTRIBUTE_NO_SUID, 0, 0, 0)
    flags = _WHOLE_TREE if is_recursive else 0
    size = ctypes.c_size_t(len(attributes))
    target = os.fsencode(path)
    _call(_libc.syscall, _MOUNT_SETATTR, _HERE, target, flags, attributes, size, path=path)


def _call(function: Any, *args: Any, path: str | None = None) -> None:
    if function(*args) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
