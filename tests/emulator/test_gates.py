"""The gates that need the function to run: init, p50 and memory of real bundles."""

import json
from pathlib import Path

import pytest

from handler.manifest import ModelInfo
from packager.checking.gates import Gates
from packager.checking.story import check_bundle
from packager.checking.warm import MOST_INVOCATIONS
from tests.support.bundles import ECHO, make_bundle
from tests.support.checked import failures
from tests.support.commands import packager

pytestmark = pytest.mark.runtime

_INFO = ModelInfo("sklearn", "model.skops", "skops", input_example={"inputs": [[1.0]]})
_FAILS_LATER = """
count = 0
def handler(event, context):
    global count
    count += 1
    return {"statusCode": 200 if count < 9 else 500, "body": "{}"}
"""
_IS_BROKEN = """
def handler(event, context):
    return {"statusCode": 500, "body": "{}"}
"""
# Wider than any machine is slow.
_WIDE = Gates(init_ms=1e6, p50_ms=1e6, memory_mb=1e5)


def test_the_examples_bundle_is_within_wide_gates_and_not_within_narrow_ones(
    bundle_folder: Path,
) -> None:
    options = ["--max-init-ms", "0.001", "--max-p50-ms", "0.001", "--max-memory-mb", "100000"]

    done = packager("check", bundle_folder, *options, "--json")

    assert done.returncode == 3, done.stderr
    document = json.loads(done.stdout)
    checks = {check["name"]: check for check in document["checks"]}
    assert checks["gate: init"]["status"] == checks["gate: p50"]["status"] == "failed"
    assert checks["gate: memory"]["status"] == "passed"
    (problem,) = checks["gate: p50"]["problems"]
    assert f"median of {MOST_INVOCATIONS} warm invocations" in problem["message"]
    assert "0.001 ms allowed" in problem["message"]
    measured = document["measurements"]
    assert measured["warm_invocations"] == MOST_INVOCATIONS
    # The handler alone: the process's start and its imports are init's.
    assert 0 < measured["p50_duration_ms"] < measured["init_duration_ms"]
    others = [check for name, check in checks.items() if not name.startswith("gate: ")]
    assert "failed" not in {check["status"] for check in others}


def test_warm_invocations_are_timed_only_when_a_gate_asks_for_them(tmp_path: Path) -> None:
    code = "def handler(event, context):\n    return {'statusCode': 200, 'body': '{}'}\n"
    bundle = make_bundle(tmp_path, model=None, info=_INFO, files=ECHO | {"handler/main.py": code})

    without = check_bundle(bundle, gates=Gates(init_ms=1e6))
    timed = check_bundle(bundle, gates=_WIDE)

    assert without.measurements.p50_duration_ms is None
    assert timed.measurements.p50_duration_ms is not None
    assert [entry.status for entry in timed.entries[-3:]] == ["passed"] * 3


def test_a_function_that_fails_after_a_while_has_no_median(tmp_path: Path) -> None:
    files = ECHO | {"handler/main.py": _FAILS_LATER}
    bundle = make_bundle(tmp_path, model=None, info=_INFO, files=files)

    report = check_bundle(bundle, gates=_WIDE)

    assert "answered the same request once, but not each time" in failures(report)["gate: p50"]
    assert report.measurements.p50_duration_ms is None


def test_a_function_that_does_not_start_is_within_no_gate(tmp_path: Path) -> None:
    files = ECHO | {"handler/main.py": _IS_BROKEN}
    bundle = make_bundle(tmp_path, model=None, info=_INFO, files=files)

    found = failures(check_bundle(bundle, gates=_WIDE))

    for name in ("gate: init", "gate: p50", "gate: memory"):
        assert "the function does not start" in found[name]


def test_a_model_without_an_example_is_within_no_gate_of_predictions(tmp_path: Path) -> None:
    code = "def handler(event, context):\n    return {'statusCode': 200, 'body': '{}'}\n"
    bundle = make_bundle(tmp_path, model=None, files=ECHO | {"handler/main.py": code})

    report = check_bundle(bundle, gates=_WIDE)

    statuses = {entry.name: entry.status for entry in report.entries}
    assert statuses["gate: init"] == "passed"
    assert statuses["gate: p50"] == statuses["gate: memory"] == "failed"
    assert "--input-example" in failures(report)["gate: p50"]
