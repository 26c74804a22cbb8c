"""What a function has on Lambda it has here, and nothing else: how it fails, and what is said."""

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from packager.checking.lacks import lack_behind
from packager.checking.report import Check, Measurements
from packager.checking.strictness import check_strictness
from packager.local.emulator import runtime_python
from packager.local.sandbox import obstacle
from packager.local.static_s3 import static_s3
from packager.local.storage import embedded_environment
from tests.emulator.test_emulator import function
from tests.support.commands import ROOT, THIS_PYTHON, packager

needs_sandbox = pytest.mark.skipif(obstacle() is not None, reason=f"no sandbox here: {obstacle()}")
pytestmark = pytest.mark.runtime

FUNCTION = """
import ctypes, json, os, socket, urllib.request

def handler(event, context):
    return globals()[event["do"]](*event.get("with", []))

def pool():
    import multiprocessing
    multiprocessing.Pool(2)
def shared():
    from multiprocessing.shared_memory import SharedMemory
    SharedMemory(create=True, size=8)
def write(path): open(path, "w").close()
def home(): os.mkdir(os.path.expanduser("~/.library"))
def load(name): return ctypes.CDLL(name) and "loaded"
def take(mib): return len(bytearray(mib * 2**20))
def fill(mib):
    with open("/tmp/file", "wb") as file:
        for _ in range(mib):
            file.write(bytes(2**20))
def fork(mib):
    kept = bytearray(os.urandom(1) * (mib * 2**20))
    children = []
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            __import__("time").sleep(1)
            os._exit(0)
        children.append(pid)
    return [os.waitpid(pid, 0)[1] for pid in children]
def open_many(): return len([open("/dev/null") for _ in range(1100)])
def reach(url): return urllib.request.urlopen(url, timeout=5).read().decode()
def connect(): socket.create_connection(("192.0.2.1", 80), timeout=5)
def listed(path): return sorted(os.listdir(path))
def modules():
    import bz2, lzma, sqlite3, ssl, zoneinfo
    return [str(zoneinfo.ZoneInfo("Europe/Berlin")), socket.gethostbyname("localhost")]
"""


@needs_sandbox
@pytest.mark.parametrize(
    ("deed", "lacks"),
    [
        ({"do": "pool"}, "no semaphores"),
        ({"do": "shared"}, "no /dev/shm"),
        ({"do": "write", "with": ["/dev/shm/x"]}, "no /dev/shm"),
        ({"do": "write", "with": ["/var/task/x"]}, "only /tmp can be written on Lambda"),
        ({"do": "home"}, "the user's home does not exist"),
        ({"do": "load", "with": ["libgomp.so.1"]}, "libgomp.so.1 is neither on Lambda"),
        ({"do": "load", "with": ["libGL.so.1"]}, "libGL.so.1 is neither on Lambda"),
        ({"do": "take", "with": [3072]}, "1769 MiB that are configured"),
        ({"do": "fill", "with": [600]}, "its /tmp is full"),
        ({"do": "open_many"}, "1,024 files"),
        ({"do": "connect"}, "no network but its S3"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_what_lambda_lacks_fails_here_too_and_is_named(
    tmp_path: Path, deed: dict[str, object], lacks: str
) -> None:
    with function(tmp_path, FUNCTION) as running:
        failed = running.invoke(deed)
        after = running.invoke({"do": "listed", "with": ["/opt"]})

    assert failed.outcome in ("error", "crash")
    lack = lack_behind(f"{failed.log}{failed.error}")
    assert lack is not None, failed
    assert lacks in lack.message
    assert lack.hint
    assert after.outcome == "ok", after


@needs_sandbox
def test_it_sees_the_task_the_runtime_and_nothing_of_the_machine(tmp_path: Path) -> None:
    with function(tmp_path, FUNCTION) as running:
        seen = {
            path: running.invoke({"do": "listed", "with": [path]}).payload
            for path in ("/var/task", "/dev", "/tmp", "/opt", "/bin")
        }
        root = running.invoke({"do": "listed", "with": ["/"]}).payload
        works = running.invoke({"do": "modules"}).payload
        loaded = running.invoke({"do": "load", "with": ["libstdc++.so.6"]}).payload

    assert seen["/var/task"] == ["app.py"]
    assert seen["/dev"] == ["full", "null", "random", "urandom", "zero"]
    assert seen["/bin"] == ["sh"]
    assert not {"sys", "home", "mnt", "srv", "boot"} & set(root)
    assert works == ["Europe/Berlin", "127.0.0.1"]
    assert loaded == "loaded"


@needs_sandbox
def test_memory_that_forks_share_counts_once(tmp_path: Path) -> None:
    with function(tmp_path, FUNCTION) as running:
        answer = running.invoke({"do": "fork", "with": [700]})

    assert answer.payload == [0, 0, 0], answer


def test_of_the_network_it_reaches_its_s3_alone(tmp_path: Path) -> None:
    (tmp_path / "object").write_text("an object")
    objects = {"bucket/key": tmp_path / "object"}
    with static_s3(objects) as ours, static_s3(objects) as other:
        environment = embedded_environment(ours)
        with function(tmp_path, FUNCTION, environment=environment) as running:
            near = running.invoke({"do": "reach", "with": [f"{ours}/bucket/key"]})
            far = running.invoke({"do": "reach", "with": [f"{other}/bucket/key"]})
            is_cut = not any("network" in what for what in running.not_enforced)

    assert near.payload == "an object"
    assert (far.outcome == "error") == is_cut


def test_a_bucket_of_aws_is_reached_by_the_machines_network_and_that_is_said(
    tmp_path: Path,
) -> None:
    with function(tmp_path, FUNCTION, environment={"MODEL_BUCKET": "b"}) as running:
        assert running.invoke({"do": "listed", "with": ["/tmp"]}).outcome == "ok"
        assert any("network" in what for what in running.not_enforced)


UNSANDBOXED = """
import json, sys
from pathlib import Path
from packager.local.emulator import Emulator, runtime_python
from packager.local.sandbox import run_sandboxed

folder = Path(sys.argv[1])
python = runtime_python(sys.argv[2])
with Emulator(folder, python=python, handler="app.handler") as function:
    answer = function.invoke({"do": "listed", "with": ["."]})
    done = run_sandboxed([sys.executable, "-c", "print(1)"], cwd=folder, env={}, writable=[folder])
    print(json.dumps([answer.payload, function.not_enforced, done.stdout.decode()]))
"""


@needs_sandbox
def test_where_there_can_be_no_sandbox_it_runs_and_what_is_not_enforced_is_listed(
    tmp_path: Path,
) -> None:
    (tmp_path / "app.py").write_text(FUNCTION)
    runtime_python(THIS_PYTHON)
    # As a machine whose administrator forbids user namespaces.
    forbidding = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    argv = ["unshare", "--user", "--map-root-user", "sh", "-c", forbidding, "sh", sys.executable]
    argv += ["-c", UNSANDBOXED, str(tmp_path), THIS_PYTHON]

    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    files, not_enforced, output = json.loads(done.stdout)
    assert (files, output) == (["app.py"], "1\n")
    assert "user namespaces cannot be had" in not_enforced[0]
    for what in ("libraries", "/dev/shm", "memory", "network", "processes"):
        assert any(what in item for item in not_enforced)


@pytest.mark.parametrize("not_enforced", [None, ("network: it has this machine's",)])
def test_strict_fails_where_something_was_not_enforced(
    not_enforced: tuple[str, ...] | None,
) -> None:
    made = [Check.not_made("import and init", "no Python 3.14")]

    check = check_strictness(Measurements(not_enforced=not_enforced), made)

    assert check.entry.status == "failed"
    assert ("network" if not_enforced else "no Python 3.14") in check.problems[0].message


MLMODEL = """\
flavors:
  python_function: {{loader_module: greedy, code: code, python_version: {python}}}
mlflow_version: 3.17.2
saved_input_example_info:
  {{artifact_path: input_example.json, pandas_orient: split, type: dataframe}}
signature:
  inputs: '[{{"type": "double", "name": "a", "required": true}}]'
  outputs: '[{{"type": "double", "required": true}}]'
"""
LOADER = """\
import os

class Greedy:
    def predict(self, data, params=None):
        {deed}
        return data["a"] * 2

def _load_pyfunc(path):
    os.makedirs(os.path.join(os.path.expanduser("~"), ".greedy"), exist_ok=True)
    return Greedy()
"""


def model(folder: Path, deed: str) -> Path:
    (folder / "code").mkdir(parents=True)
    python = platform.python_version()
    (folder / "MLmodel").write_text(MLMODEL.format(python=python))
    (folder / "code" / "greedy.py").write_text(LOADER.format(deed=deed))
    (folder / "requirements.txt").write_text("pandas\n")
    (folder / "input_example.json").write_text('{"columns": ["a"], "data": [[1.0], [2.0]]}')
    return folder


@needs_sandbox
@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("bytearray(3 * 2**30)", "1769 MiB that are configured"),
        ("import ctypes; ctypes.CDLL('libgomp.so.1')", "libgomp.so.1 is neither on Lambda"),
    ],
    ids=["memory", "library"],
)
def test_such_a_model_is_not_built(tmp_path: Path, deed: str, said: str) -> None:
    done = packager("build", model(tmp_path / "model", deed), "--output", tmp_path / "dist")

    assert done.returncode == 3, done.stderr
    assert said in done.stderr
    assert not (tmp_path / "dist").exists()


@needs_sandbox
def test_a_model_that_writes_to_its_home_is_built_and_proven(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", "pass")

    done = packager("build", folder, "--output", tmp_path / "dist", "--strict", "--json")

    assert done.returncode == 0, done.stderr
    checks = json.loads((tmp_path / "dist" / "bundle.json").read_text())["checks"]
    assert {check["status"] for check in checks} == {"passed"}, checks
