"""`packager doctor`, as a user runs it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from packager.cli.main import cli


@pytest.fixture(autouse=True)
def _bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on the PATH, nothing in the cache."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))


def test_what_only_other_commands_need_is_listed_and_does_not_fail() -> None:
    done = CliRunner().invoke(cli, ["doctor"])

    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    (row,) = [index for index, line in enumerate(lines) if line.startswith("missing  sam ")]
    assert "not on the PATH" in lines[row]
    assert lines[row + 1].strip().startswith("needed for: sam local")
    assert "pip install aws-sam-cli" in lines[row + 2]
    assert "missing" in lines[-1]
    assert "error" not in done.stderr


def test_what_a_build_requires_fails_with_status_3_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "file"))

    done = CliRunner().invoke(cli, ["-q", "doctor"])

    assert done.exit_code == 3
    assert "problem  cache" in done.stdout
    assert done.stderr.startswith("error: packager build needs cache: ")
    assert "hint: Set PACKAGER_CACHE" in done.stderr


def test_the_json_document_has_every_row_with_all_that_is_known_of_it() -> None:
    done = CliRunner().invoke(cli, ["doctor", "--json"])

    document = json.loads(done.stdout)
    assert document["is_ok"] is True
    rows = {row["name"]: row for row in document["findings"]}
    assert rows["sam"]["status"] == "missing"
    keys = {"name", "status", "detail", "needed_for", "hint", "is_required"}
    assert all(set(row) == keys for row in document["findings"])
    assert rows["uv"]["is_required"] is True
