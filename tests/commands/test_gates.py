"""`packager check --max-...`, as CI runs it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from packager.cli.main import cli
from tests.support.bundles import make_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle of three megabytes."""
    beside = {"handler/__init__.py": "", "handler/main.py": "", "data.txt": "#" * 3_000_000}
    return make_bundle(tmp_path / "bundle", model=None, files=beside).folder


def check(bundle: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["check", str(bundle), "--static", *options])


def test_a_gate_that_is_passed_ends_with_status_3_and_says_by_how_much(bundle: Path) -> None:
    done = check(bundle, "--max-unzipped-mb", "2", "--max-zipped-mb", "50")

    assert done.exit_code == 3
    (unzipped,) = [line for line in done.stdout.splitlines() if "unzipped size" in line]
    assert unzipped.startswith("failed    gate: unzipped size")
    (zipped,) = [line for line in done.stdout.splitlines() if "gate: zipped" in line]
    assert zipped.startswith("passed    gate: zipped size")
    assert "error: function zip and layer, unpacked: 3.0 MB, 2 MB allowed" in done.stderr
    assert "or raise --max-unzipped-mb" in done.stderr


def test_each_gate_is_a_check_of_the_json_document(bundle: Path) -> None:
    done = check(bundle, "--max-unzipped-mb", "2", "--max-zipped-mb", "50", "--json")

    document = json.loads(done.stdout)
    checks = {item["name"]: item for item in document["checks"]}
    assert checks["gate: unzipped size"]["status"] == "failed"
    assert "2 MB allowed" in checks["gate: unzipped size"]["problems"][0]["message"]
    assert checks["gate: zipped size"]["status"] == "passed"
    assert checks["gate: zipped size"]["problems"] == []
    assert "gate: init" not in checks
    assert document["measurements"]["unzipped_bytes"] == 3_000_000


@pytest.mark.parametrize("option", ["--max-init-ms", "--max-p50-ms", "--max-memory-mb"])
def test_a_gate_that_nothing_was_measured_for_is_closed(bundle: Path, option: str) -> None:
    done = check(bundle, option, "1000000")

    assert done.exit_code == 3
    assert f"error: {option} 1000000 could not be held against anything" in done.stderr
    assert "only static checks were asked for" in done.stderr


@pytest.mark.parametrize("limit", ["nan", "inf", "0", "-1", "much"])
def test_a_gate_without_a_limit_is_wrong_usage(bundle: Path, limit: str) -> None:
    assert check(bundle, "--max-p50-ms", limit).exit_code == 2
