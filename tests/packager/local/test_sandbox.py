"""The sandbox in which a build runs a model's code."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from packager.errors import ToolError
from packager.local.sandbox import USER_ID, obstacle, run_sandboxed
from tests.support.commands import ROOT

pytestmark = [
    pytest.mark.runtime,
    pytest.mark.skipif(obstacle() is not None, reason=f"no sandbox here: {obstacle()}"),
]

TRY = """
import os, sys
for place in sys.argv[1:]:
    try:
        open(os.path.join(place, "new"), "w").close()
        print("written")
    except OSError as error:
        print(error.strerror)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "skeleton"
    made.mkdir()
    return made


def run(code: str, folder: Path, *args: str | Path, timeout_s: float = 60) -> list[str]:
    argv = [sys.executable, "-c", code, *map(str, args)]
    done = run_sandboxed(argv, cwd=folder, env={}, timeout_s=timeout_s, writable=[folder])
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()


def test_it_writes_its_folder_and_a_tmp_of_its_own_and_nothing_else(folder: Path) -> None:
    others = [Path("/tmp"), Path("/usr"), Path("/etc"), ROOT, Path.home(), folder.parent]

    answers = run(TRY, folder, folder, *others)

    assert answers[:2] == ["written", "written"]
    assert answers[2:4] == ["Read-only file system"] * 2
    assert (folder / "new").exists()
    assert not any((place / "new").exists() for place in others)


def test_it_has_no_rights_and_sees_no_other_process(folder: Path) -> None:
    code = (
        "import os, re\n"
        "status = open('/proc/self/status').read()\n"
        "print(os.getuid())\n"
        "print(re.findall(r'Cap(?:Prm|Eff|Bnd|Amb):\\s+0+$', status, re.M).__len__())\n"
        "print(sorted(int(name) for name in os.listdir('/proc') if name.isdecimal()))\n"
    )

    assert run(code, folder) == [str(USER_ID), "4", "[1, 2]"]


def test_it_sees_neither_homes_nor_what_lies_beside_its_folder(folder: Path) -> None:
    secret = folder.parent / "secret"
    secret.write_text("x")

    code = "import os, sys; print(*map(os.path.exists, sys.argv[1:]))"

    assert run(code, folder, secret, ROOT / "pyproject.toml", Path.home() / ".cache") == [
        "False False False"
    ]


def test_it_has_no_network(folder: Path) -> None:
    code = (
        "import socket\n"
        "for address in ('192.0.2.1', '127.0.0.1'):\n"
        "    try:\n"
        "        socket.create_connection((address, 9), timeout=5)\n"
        "    except OSError as error:\n"
        "        print(error.strerror)\n"
    )

    assert run(code, folder) == ["Network is unreachable", "Connection refused"]


def test_input_output_and_status_are_its_own(folder: Path) -> None:
    code = "import sys; sys.stderr.write(sys.stdin.read()); print('out'); sys.exit(7)"
    argv = [sys.executable, "-c", code]

    done = run_sandboxed(argv, cwd=folder, env={}, input=b"in", writable=[folder])

    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"in")


# A daemon: it leaves its session, and its parent ends.
DAEMON = (
    "import os, time\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    if os.fork() == 0:\n"
    "        time.sleep(600)\n"
    "    os._exit(0)\n"
)


@pytest.mark.parametrize("end", ["", "time.sleep(600)\n"], ids=["ends", "late"])
def test_what_it_leaves_behind_ends_with_it(folder: Path, end: str) -> None:
    mark = f"mark-{folder}"
    argv = [sys.executable, "-c", DAEMON + end, mark]

    with pytest.raises(ToolError, match="after 2 s") if end else contextlib.nullcontext():
        run_sandboxed(argv, cwd=folder, env={}, timeout_s=2, writable=[folder])

    assert not processes(mark)


def test_it_ends_with_us_even_if_we_are_killed(folder: Path) -> None:
    mark = f"mark-{folder}"
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from packager.local.sandbox import run_sandboxed\n"
        "folder = Path(sys.argv[1])\n"
        "run_sandboxed([sys.executable, '-c', sys.argv[2], sys.argv[3]], cwd=folder, env={},\n"
        "    writable=[folder])\n"
    )
    sleeping = DAEMON + "time.sleep(600)\n"
    owner = subprocess.Popen([sys.executable, "-c", code, str(folder), sleeping, mark], cwd=ROOT)
    try:
        assert is_soon(lambda: len(processes(mark, but=[owner.pid])) >= 2)
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()

    assert is_soon(lambda: not processes(mark))


def processes(mark: str, but: Sequence[int] = ()) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            is_ours = mark.encode() in path.read_bytes()
        except OSError:
            continue
        if is_ours and int(path.parent.name) not in (os.getpid(), *but):
            found.append(int(path.parent.name))
    return found


def is_soon(condition: "object") -> bool:
    assert callable(condition)
    for _ in range(200):
        if condition():
            return True
        time.sleep(0.05)
    return False
