"""What `packager doctor` finds: real processes, among them small programs in a tool's place."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from packager.aws.runtimes import RUNTIMES
from packager.local.rie import rie_path
from packager.start.doctor import Finding, examine
from tests.support.commands import THIS_PYTHON

Tool = Callable[[str, str], Path]
_DOCKER = """
case "$*" in
  --version) echo "Docker version 99.1, build abc" ;;
  "version --format {{.Server.Version}}") echo 98.2 ;;
  *) exit 64 ;;
esac
"""
_DOCKER_ALONE = """
[ "$*" = --version ] && echo "Docker version 99.1, build abc" && exit 0
echo "a first line" >&2
echo "Cannot connect to the Docker daemon at tcp://me:hunter2@example.com." >&2
exit 1
"""


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """Put a shell script on a PATH that has nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("DOCKER_HOST", raising=False)

    def write(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return write


def findings() -> dict[str, Finding]:
    return {item.name: item for item in examine().findings}


def test_every_lambda_python_and_tool_has_a_row_and_each_that_is_not_ok_says_what_to_do(
    tool: Tool,
) -> None:
    found = findings()

    pythons = [f"Python {runtime.python}" for runtime in RUNTIMES]
    assert list(found) == [
        *("uv", "cache", *pythons, "Lambda emulator"),
        *("docker", "docker engine", "sam", "AWS credentials", "AWS region"),
    ]
    assert found["docker"].status == found["sam"].status == "missing"
    assert found["docker engine"].status == "missing"
    assert all(item.hint for item in found.values() if item.status != "ok")
    assert all(item.needed_for and item.detail for item in found.values())


def test_only_what_a_build_requires_is_required(tool: Tool) -> None:
    examined = examine()

    assert [item.name for item in examined.findings if item.is_required] == ["uv", "cache"]
    # Neither docker nor sam nor credentials: a build needs none of them.
    assert examined.is_ok


def test_programs_that_answer_are_shown_with_version_and_place(tool: Tool) -> None:
    docker = tool("docker", _DOCKER)
    sam = tool("sam", 'echo "SAM CLI, version 9.9.9, telemetry $SAM_CLI_TELEMETRY"')

    found = findings()

    assert found["docker"].status == found["docker engine"].status == found["sam"].status == "ok"
    assert found["docker"].detail == f"Docker version 99.1, build abc ({docker})"
    assert found["docker engine"].detail == "version 98.2"
    assert found["sam"].detail == f"SAM CLI, version 9.9.9, telemetry 0 ({sam})"


def test_a_client_without_an_engine_shows_what_docker_says_without_the_login(tool: Tool) -> None:
    tool("docker", _DOCKER_ALONE)

    found = findings()

    assert found["docker"].status == "ok"
    engine = found["docker engine"]
    assert engine.status == "problem"
    assert engine.detail == "Cannot connect to the Docker daemon at tcp://***@example.com."
    assert "Start it" in (engine.hint or "")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo broken >&2; exit 3", "broken"),
        ("exit 3", "it ended with status 3"),
        ("kill -9 $$", "it ended with status -9"),
    ],
)
def test_a_program_that_fails_is_a_problem_in_its_own_words(
    tool: Tool, script: str, said: str
) -> None:
    path = tool("sam", script)

    sam = findings()["sam"]

    assert sam.status == "problem"
    assert sam.detail == f"{path} --version: {said}"


def test_a_program_that_the_system_cannot_start_is_a_problem(tool: Tool) -> None:
    path = tool("sam", "")
    path.write_text("#!/no/such/interpreter\n")

    assert findings()["sam"].status == "problem"


def test_the_python_of_these_tests_is_found_and_one_that_is_not_here_is_not(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interpreter = Path(sys.base_prefix, "bin", f"python{THIS_PYTHON}")
    for name in ("UV_PYTHON_INSTALL_DIR", "PYENV_ROOT", "CONDA_PREFIX", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    (tmp_path / "bin" / interpreter.name).symlink_to(interpreter)

    found = findings()

    here = found[f"Python {THIS_PYTHON}"]
    assert here.status == "ok"
    assert here.detail.endswith(f"python{THIS_PYTHON}")
    away = next(runtime.python for runtime in RUNTIMES if runtime.python != THIS_PYTHON)
    assert found[f"Python {away}"].status == "missing"
    assert f"uv python install {away}" in (found[f"Python {away}"].hint or "")


def test_without_uv_a_build_is_not_possible_and_no_python_is_looked_for() -> None:
    code = (
        "import json, sys\nsys.modules['uv'] = None\nfrom packager.start.doctor import examine\n"
        "print(json.dumps(examine().to_dict()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    found = {item["name"]: item for item in document["findings"]}
    assert document["is_ok"] is False
    assert found["uv"]["status"] == "missing"
    assert "pip install uv" in found["uv"]["hint"]
    assert found["Python 3.12"]["status"] == "problem"


def test_a_cache_that_cannot_be_made_keeps_a_build_from_working(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "file" / "cache"))

    examined = examine()

    assert [item.name for item in examined.lacking] == ["cache"]
    assert str(tmp_path / "file") in examined.lacking[0].detail
    assert "PACKAGER_CACHE" in (examined.lacking[0].hint or "")


def test_the_emulator_is_looked_for_in_the_cache_and_not_downloaded(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))

    assert findings()["Lambda emulator"].status == "missing"
    assert not (tmp_path / "cache").exists()

    path = rie_path()
    path.parent.mkdir(parents=True)
    path.touch()
    assert findings()["Lambda emulator"].status == "ok"


def test_an_emulator_of_the_users_own_that_is_no_program_is_a_problem(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACKAGER_RIE", str(tmp_path / "nothing"))

    emulator = findings()["Lambda emulator"]

    assert emulator.status == "problem"
    assert "PACKAGER_RIE" in emulator.detail
