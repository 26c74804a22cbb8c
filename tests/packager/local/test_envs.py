"""Cached environments: made once, whole or not at all, whoever asks at the same time."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from packager.errors import ConfigError, ToolMissing, Unobtainable
from packager.local.envs import ensure_env
from packager.support.cache import build_once, cache_root
from tests.support.commands import ROOT
from tests.support.wheels import make_wheel

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and uv with nothing but two tiny wheels to install."""
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "tiny", "1.0")
    make_wheel(wheels, "small", "2.0", requires=["tiny"])
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def output_of(python: Path, code: str) -> str:
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_an_environment_has_the_requirements_and_nothing_of_ours(cache: Path) -> None:
    python = ensure_env("test", MINOR, ["small==2.0"])

    assert python.is_relative_to(cache / "envs")
    assert output_of(python, "import small, tiny; print(small.VERSION, tiny.VERSION)") == "2.0 1.0"
    assert output_of(python, "import sys; print('%d.%d' % sys.version_info[:2])") == MINOR
    found = "import importlib.util as u; print([u.find_spec(n) for n in ('click', 'boto3')])"
    assert output_of(python, found) == "[None, None]"


def test_its_modules_are_compiled_when_it_is_made_for_who_may_not_write(cache: Path) -> None:
    compiled = "lib/*/site-packages/tiny/__pycache__/*.pyc"

    assert list(ensure_env("a", MINOR, ["tiny"], is_compiled=True).parents[1].glob(compiled))
    assert not list(ensure_env("b", MINOR, ["tiny"]).parents[1].glob(compiled))


def test_the_same_requirements_in_another_order_are_the_same_environment(cache: Path) -> None:
    first = ensure_env("test", MINOR, ["small", "tiny"])
    (first.parent / "marker").touch()

    assert ensure_env("test", MINOR, ["tiny", "small", "tiny"]) == first
    assert (first.parent / "marker").exists()


@pytest.mark.parametrize(
    ("key_name", "requirements"), [("other", ["tiny"]), ("test", ["tiny", "small"])]
)
def test_another_purpose_or_requirement_is_another_environment(
    cache: Path, key_name: str, requirements: list[str]
) -> None:
    assert ensure_env("test", MINOR, ["tiny"]) != ensure_env(key_name, MINOR, requirements)


def test_an_environment_whose_interpreter_is_gone_is_made_again(cache: Path) -> None:
    python = ensure_env("test", MINOR, ["tiny"])
    python.unlink()
    python.symlink_to(cache / "an-interpreter-that-was-removed")

    assert ensure_env("test", MINOR, ["tiny"]) == python
    assert output_of(python, "import tiny; print(tiny.VERSION)") == "1.0"


def test_a_requirement_that_does_not_exist_leaves_nothing_behind(cache: Path) -> None:
    with pytest.raises(Unobtainable, match="nowhere-to-be-found"):
        ensure_env("test", MINOR, ["nowhere-to-be-found"])

    assert [path.suffix for path in (cache / "envs").iterdir()] == [".lock"]


def test_a_python_that_is_not_here_says_how_to_get_it(cache: Path) -> None:
    with pytest.raises(ToolMissing, match=r"Python 3\.99 is not installed") as caught:
        ensure_env("test", "3.99", ["tiny"])
    assert "uv python install 3.99" in (caught.value.hint or "")


def test_parallel_callers_get_one_environment_made_once(cache: Path) -> None:
    code = (
        "import sys\n"
        "from packager.local.envs import ensure_env\n"
        "class Loud:\n"
        "    def step(self, message): print(message, file=sys.stderr)\n"
        "    detail = step\n"
        f"print(ensure_env('test', {MINOR!r}, ['small'], progress=Loud()))\n"
    )
    callers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    answers = [caller.communicate(timeout=120) for caller in callers]

    assert [caller.returncode for caller in callers] == [0, 0, 0], answers
    assert len({out for out, _ in answers}) == 1
    talk = "".join(err for _, err in answers)
    assert talk.count("Making the test environment") == 1


KILLED_BUILD = """
import sys, time
from pathlib import Path
from packager.support.cache import build_once

def build(folder):
    (folder / "half").write_text("done")
    print("half", flush=True)
    time.sleep(600)

build_once(Path(sys.argv[1]), build)
"""


def test_a_build_that_is_killed_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "thing"
    building = subprocess.Popen(
        [sys.executable, "-c", KILLED_BUILD, str(folder)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert building.stdout is not None
    assert building.stdout.readline() == b"half\n"
    os.kill(building.pid, signal.SIGKILL)
    building.communicate()
    assert not folder.exists()

    def build(partial: Path) -> None:
        (partial / "whole").write_text("done")

    assert build_once(folder, build) == folder
    assert [path.name for path in folder.iterdir()] == ["whole"]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["thing", "thing.lock"]


def test_the_cache_is_where_the_variable_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path))
    assert cache_root() == tmp_path

    monkeypatch.delenv("PACKAGER_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_root().is_relative_to(tmp_path / "home")


def test_a_cache_that_cannot_be_written_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ConfigError) as caught:
        ensure_env("test", MINOR, [])
    assert "PACKAGER_CACHE" in (caught.value.hint or "")
