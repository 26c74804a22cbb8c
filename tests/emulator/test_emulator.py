"""One hand-made function under the real Lambda runtime interface emulator."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from packager.errors import ConfigError, ToolFailed
from packager.local.emulator import Emulator, runtime_python
from packager.local.invoke import unpacked
from packager.local.rie import rie_binary
from packager.local.sandbox import USER_ID
from tests.support.bundles import make_bundle
from tests.support.commands import ROOT, THIS_PYTHON

pytestmark = pytest.mark.runtime

FUNCTION = """
import os, sys, time
from pathlib import Path

print("init")
calls = 0

def handler(event, context):
    global calls
    calls += 1
    print("called with", event)
    return globals()[event["do"]](*event.get("with", []))

def count(): return calls
def pid(): return os.getpid()
def uid(): return os.getuid()
def daemon():
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
    return "started"
def boom(): raise ValueError("boo")
def die(): os._exit(3)
def sleep(seconds): time.sleep(seconds)
def huge(): return "x" * 7_000_000
def grow(mib): return len(b"x" * mib * 1024 * 1024)
def environment(): return dict(os.environ)
def path(): return sys.path
def has(module):
    import importlib.util
    return importlib.util.find_spec(module) is not None
def write(place):
    try:
        Path(os.path.expandvars(place)).write_text("x")
    except OSError as error:
        return error.strerror
    return "written"
"""


@contextmanager
def function(
    folder: Path,
    source: str = FUNCTION,
    *,
    timeout_s: int = 30,
    environment: Mapping[str, str] | None = None,
    layer: Mapping[str, str] | None = None,
) -> Iterator[Emulator]:
    """Run a function made of one module, from zips, as `packager invoke` does."""
    bundle = make_bundle(folder, model=None, files={"app.py": source}, layer=layer)
    with contextlib.ExitStack() as stack:
        task_root, *layers = [stack.enter_context(unpacked(path)) for path in bundle.code_zips]
        running = Emulator(
            task_root,
            layer=layers[0] if layers else None,
            python=runtime_python(THIS_PYTHON),
            handler="app.handler",
            environment=environment,
            timeout_s=timeout_s,
        )
        yield stack.enter_context(running)


def processes(mark: str) -> list[int]:
    """The processes with this variable; in the function's own namespace they have other ids."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"MARK={mark}\0".encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def are_gone_soon(mark: str) -> bool:
    for _ in range(100):
        if not processes(mark):
            return True
        time.sleep(0.05)
    return False


def test_the_first_invocation_is_cold_and_the_next_ones_are_warm(tmp_path: Path) -> None:
    with function(tmp_path) as running:
        first, second = (running.invoke({"do": "count"}) for _ in range(2))

        assert (first.outcome, first.payload, first.cold_start) == ("ok", 1, True)
        assert (second.outcome, second.payload, second.cold_start) == ("ok", 2, False)
        assert first.init_duration_ms is not None
        assert second.init_duration_ms is None
        assert running.init_duration_ms == first.init_duration_ms
        assert first.log == "init\ncalled with {'do': 'count'}\n"
        assert second.log == "called with {'do': 'count'}\n"
        assert running.log == first.log + second.log


def test_peak_memory_is_what_the_function_used(tmp_path: Path) -> None:
    with function(tmp_path) as running:
        assert running.peak_memory_mib is None
        small = running.invoke({"do": "count"}).peak_memory_mib
        large = running.invoke({"do": "grow", "with": [300]}).peak_memory_mib

    assert small is not None
    assert large is not None
    assert large > 300 > small


def test_an_exception_is_an_error_with_its_traceback_in_the_log(tmp_path: Path) -> None:
    with function(tmp_path) as running:
        failed = running.invoke({"do": "boom"})
        after = running.invoke({"do": "count"})

    assert (failed.outcome, failed.payload) == ("error", None)
    assert failed.error == "ValueError: boo"
    assert "Traceback" in failed.log
    assert after.payload == 2, "an exception does not end the process"


def test_a_timeout_is_an_outcome_and_the_next_invocation_starts_afresh(tmp_path: Path) -> None:
    with function(tmp_path, timeout_s=2) as running:
        running.invoke({"do": "count"})
        late = running.invoke({"do": "sleep", "with": [60]})
        after = running.invoke({"do": "count"})

    assert late.outcome == "timeout"
    assert late.error == "Task timed out after 2.00 seconds"
    assert (after.payload, after.cold_start) == (1, True)


@pytest.mark.parametrize(("deed", "said"), [("die", "exit status 3"), ("huge", "6291556")])
def test_a_crash_is_an_outcome_and_the_next_invocation_starts_afresh(
    tmp_path: Path, deed: str, said: str
) -> None:
    with function(tmp_path) as running:
        crashed = running.invoke({"do": deed})
        after = running.invoke({"do": "count"})

    assert crashed.outcome == "crash"
    assert said in (crashed.error or "")
    assert (after.payload, after.cold_start) == (1, True)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import not_in_the_zip", "No module named 'not_in_the_zip'"),
        ("def handler(:", "Syntax error in module 'app'"),
        ("handle = print", "Handler 'handler' missing on module 'app'"),
    ],
)
def test_a_failed_init_is_a_crash_that_names_the_cause(
    tmp_path: Path, source: str, said: str
) -> None:
    with function(tmp_path, source) as running:
        for _ in range(2):
            crashed = running.invoke({})
            assert crashed.outcome == "crash"
            assert said in (crashed.error or "")


def test_the_task_root_is_read_only_and_the_temporary_folder_is_not(tmp_path: Path) -> None:
    with function(tmp_path) as running:
        answers = {
            place: running.invoke({"do": "write", "with": [place]}).payload
            for place in ("new", "$LAMBDA_TASK_ROOT/new", "app.py", "/usr/new", "/tmp/new")
        }

    read_only = "Read-only file system"
    assert answers == {
        "new": read_only,
        "$LAMBDA_TASK_ROOT/new": read_only,
        "app.py": read_only,
        "/usr/new": read_only,
        "/tmp/new": "written",
    }


def test_the_function_runs_as_whom_it_is_said_to_run(tmp_path: Path) -> None:
    with function(tmp_path) as running:
        uid = running.invoke({"do": "uid"}).payload
        is_powerless = running.user == "a user without rights"

        assert (running.not_enforced == ()) == is_powerless

    assert uid == (USER_ID if is_powerless else os.geteuid())
    assert is_powerless or os.geteuid() == 0 or running.user == "the user who started it"


def test_libraries_are_looked_for_where_lambda_looks_for_them(tmp_path: Path) -> None:
    with function(tmp_path) as running:
        variables = running.invoke({"do": "environment"}).payload

    task_root = variables["LAMBDA_TASK_ROOT"]
    folders = variables["LD_LIBRARY_PATH"].split(":")
    assert folders.index("/lib64") < folders.index(task_root) < folders.index(f"{task_root}/lib")


def test_a_layer_comes_after_the_function_and_before_the_runtimes_own(tmp_path: Path) -> None:
    layer = {
        "python/only_here.py": "",
        "python/boto3.py": "",  # the runtime has one
        "python/app.py": "def handler(event, context): return 'the layer'",
        "lib/libgomp.so.1": "",
    }
    origin = "def origin(name): return __import__(name).__file__\n"
    with function(tmp_path, FUNCTION + origin, layer=layer) as running:
        variables = running.invoke({"do": "environment"}).payload
        path = running.invoke({"do": "path"}).payload
        modules = ("app", "only_here", "boto3")
        app, only_here, boto3 = (
            running.invoke({"do": "origin", "with": [name]}).payload for name in modules
        )
        written = running.invoke({"do": "write", "with": [f"{Path(only_here).parent}/new"]})

    task_root, libraries = variables["LAMBDA_TASK_ROOT"], variables["LD_LIBRARY_PATH"].split(":")
    packages = str(Path(only_here).parent)
    assert Path(app).parent == Path(task_root)
    assert str(Path(boto3).parent) == packages
    assert path.index(task_root) < path.index(packages)
    assert libraries[-1] == str(Path(packages).parent / "lib")
    assert written.payload == "Read-only file system"


def test_nothing_of_ours_reaches_the_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_USER", "x")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with function(tmp_path, environment={"MODEL_BUCKET": "b"}) as running:
        environment = running.invoke({"do": "environment"}).payload
        has = {
            name: running.invoke({"do": "has", "with": [name]}).payload
            for name in ("boto3", "awslambdaric", "click", "packager", "pytest", "numpy")
        }
        path = running.invoke({"do": "path"}).payload

    assert "SECRET_OF_THE_USER" not in environment
    assert environment["AWS_ACCESS_KEY_ID"] != os.environ["AWS_ACCESS_KEY_ID"]
    assert "HOME" not in environment
    assert environment["MODEL_BUCKET"] == "b"
    assert [name for name, is_there in has.items() if is_there] == ["boto3", "awslambdaric"]
    assert path[0] == environment["LAMBDA_TASK_ROOT"]
    assert str(ROOT) not in path


def test_closing_ends_the_function_and_removes_its_folders(tmp_path: Path) -> None:
    mark = tmp_path.as_posix()
    with function(tmp_path, environment={"MARK": mark}) as running:
        running.invoke({"do": "count"})
        places = (running.task_root, running._folder)
        assert processes(mark)

    assert not processes(mark)
    assert not any(place.exists() for place in places)


def test_the_function_and_what_it_started_end_even_if_we_are_killed(tmp_path: Path) -> None:
    mark = tmp_path.as_posix()
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from packager.local.emulator import Emulator, runtime_python\n"
        f"python = runtime_python('{THIS_PYTHON}')\n"
        f"function = Emulator(Path(sys.argv[1]), python=python, handler='app.handler',\n"
        f"    environment={{'MARK': {mark!r}}})\n"
        "with function:\n"
        "    print(function.invoke({'do': 'daemon'}).payload, flush=True)\n"
        "    time.sleep(600)\n"
    )
    tmp_path.chmod(0o755)
    (tmp_path / "app.py").write_text(FUNCTION)
    env = os.environ | {"TMPDIR": str(tmp_path)}
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, env=env, stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    assert owner.stdout.readline()
    assert len(processes(mark)) >= 2
    os.kill(owner.pid, signal.SIGKILL)
    owner.communicate()

    assert are_gone_soon(mark)


def test_invocations_from_many_threads_wait_for_each_other(tmp_path: Path) -> None:
    with function(tmp_path) as running, ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(running.invoke, {"do": "count"}) for _ in range(16)]
        answers = [future.result() for future in futures]

    assert sorted(answer.payload for answer in answers) == list(range(1, 17))


def test_two_emulators_run_side_by_side(tmp_path: Path) -> None:
    with function(tmp_path / "a") as first, function(tmp_path / "b") as second:
        answers = [running.invoke({"do": "count"}).payload for running in (first, second)]

    assert answers == [1, 1]


def test_the_variable_names_another_emulator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PACKAGER_RIE", str(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match="PACKAGER_RIE"):
        rie_binary()

    monkeypatch.setenv("PACKAGER_RIE", "/bin/false")
    with pytest.raises(ToolFailed, match="status 1"), function(tmp_path):
        pass
