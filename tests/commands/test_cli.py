"""The command as a user types it, in a process of its own."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from packager.cli.main import COMMANDS
from packager.version import __version__


def packager(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "packager", *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_help_lists_every_command_and_the_exit_codes() -> None:
    done = packager("--help")

    assert done.returncode == 0
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert "Exit codes" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_commands_help_shows_examples(name: str) -> None:
    done = packager(name, "--help")

    assert done.returncode == 0, done.stderr
    assert f"packager {name} " in done.stdout.partition("Examples")[2]


@pytest.mark.parametrize("args", [["--help"], ["build", "--help"], ["invoke", "--help"]])
def test_help_is_quick_because_it_imports_nothing_heavy(args: list[str]) -> None:
    code = (
        "import sys\nfrom packager.cli.main import cli\n"
        "try: cli()\nexcept SystemExit: pass\n"
        "heavy = {'rich', 'boto3', 'jinja2', 'moto', 'pandas', 'numpy', 'mlflow', 'fastapi'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_version() -> None:
    assert packager("--version").stdout.strip() == f"packager, version {__version__}"


@pytest.mark.parametrize("args", [["bild"], ["build"], ["build", "m", "--architecture", "ia64"]])
def test_wrong_usage_exits_with_2(args: list[str]) -> None:
    done = packager(*args)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_missing_model_is_one_line_and_a_hint(tmp_path: Path) -> None:
    done = packager("build", "no-such-folder", cwd=tmp_path)

    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "no-such-folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_runtime_exits_with_2_and_lists_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04K\x01.")
    done = packager(
        "build", "model.pkl", "--flavor", "sklearn", "--runtime", "python2.7", cwd=tmp_path
    )

    assert done.returncode == 2
    assert "python3.13" in done.stderr


def test_what_the_system_refuses_is_one_line(tmp_path: Path) -> None:
    done = packager("inspect", "x" * 5000, cwd=tmp_path)

    assert done.returncode == 1
    assert "File name too long" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in packager("-v", "inspect", "x" * 5000, cwd=tmp_path).stderr


def test_a_build_that_is_asked_to_end_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "requirements.txt").write_text("never-answered==1.0\n")
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04K\x01.")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # an index that never answers
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        process = subprocess.Popen(
            [sys.executable, "-m", "packager", "build", "model.pkl", "--flavor", "sklearn"],
            cwd=tmp_path,
            env=os.environ | {"TMPDIR": str(tmp_path / "tmp"), "UV_DEFAULT_INDEX": index},
            stderr=subprocess.PIPE,
            text=True,
        )
        silent.settimeout(60)
        with silent.accept()[0]:  # it waits for an answer now
            process.terminate()
            said = process.communicate(timeout=60)[1]

    assert process.returncode == 130, said
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (tmp_path / "dist").exists()


def test_a_report_can_lie_in_the_new_bundle_but_not_in_a_missing_folder(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "report.json"
    options = ["--output", str(tmp_path / "dist"), "--report"]

    assert packager("build", "no-such", *options, str(missing)).returncode == 2
    done = packager("build", "no-such", *options, str(tmp_path / "dist" / "report.json"))
    assert "no-such does not exist" in done.stderr
