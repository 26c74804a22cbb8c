"""The user's own limits: what was measured against what is allowed, without a function."""

from dataclasses import replace
from pathlib import Path

import pytest

from packager.checking.gates import Gates, check_gates
from packager.checking.report import Check, Measurements
from packager.checking.story import check_bundle
from packager.errors import ConfigError
from tests.support.bundles import make_bundle
from tests.support.checked import failures

MEASURED = Measurements(
    init_duration_ms=812.4,
    peak_memory_mib=100,
    p50_duration_ms=3.25,
    warm_invocations=30,
    unzipped_bytes=150_000_000,
    zipped_bytes=40_000_000,
)
WORKS = (
    Check.passed("import and init", "the model is loaded"),
    Check.passed("prediction", "/invocations answers"),
    Check.not_made("same predictions", "no source model: of no matter to a gate"),
)
WIDE = Gates(unzipped_mb=150, zipped_mb=40, init_ms=813, p50_ms=3.25, memory_mb=105)
KEYS = ("unzipped_mb", "zipped_mb", "init_ms", "p50_ms", "memory_mb")


def test_without_gates_there_are_no_checks_of_them() -> None:
    assert check_gates(Gates(), MEASURED, WORKS) == ()


def test_what_is_equal_to_its_limit_or_less_passes_with_both_figures() -> None:
    checks = check_gates(WIDE, MEASURED, WORKS)

    assert [check.entry.status for check in checks] == ["passed"] * 5
    details = [check.entry.detail for check in checks]
    assert details[0] == "function zip and layer, unpacked: 150.0 MB of 150 MB"
    assert details[3] == "median of 30 warm invocations on this machine: 3.2 ms of 3.25 ms"
    # 100 MiB are 104.9 MB: the one unit that Lambda means otherwise is shown beside ours.
    assert details[4] == "peak memory of the function (100 MiB): 104.9 MB of 105 MB"


@pytest.mark.parametrize("key", KEYS)
def test_what_is_over_its_limit_fails_with_the_figures_and_what_to_do(key: str) -> None:
    limit = getattr(WIDE, key) / 2

    (check,) = check_gates(Gates(**{key: limit}), MEASURED, WORKS)

    assert check.entry.status == "failed"
    (problem,) = check.problems
    assert f", {limit:g} " in problem.message
    assert problem.message.endswith(" allowed")
    assert f"raise --max-{key.replace('_', '-')}." in problem.hint


def test_a_byte_too_many_is_too_many_and_seen_to_be() -> None:
    measured = replace(MEASURED, zipped_bytes=40_000_001)

    (check,) = check_gates(Gates(zipped_mb=40), measured, WORKS)

    assert check.entry.detail == "function zip and layer: 40.000001 MB, 40 MB allowed"


@pytest.mark.parametrize("key", KEYS)
def test_what_was_not_measured_fails_and_says_so(key: str) -> None:
    (check,) = check_gates(Gates(**{key: 1e9}), Measurements(), WORKS)

    assert check.entry.status == "failed"
    assert f"--max-{key.replace('_', '-')} 1000000000 could not be held" in check.entry.detail


@pytest.mark.parametrize(
    ("fault", "failing"),
    [(0, ["gate: init", "gate: p50", "gate: memory"]), (1, ["gate: p50", "gate: memory"])],
    ids=["does not start", "does not predict"],
)
def test_figures_of_a_function_that_does_not_work_count_for_nothing(
    fault: int, failing: list[str]
) -> None:
    made = list(WORKS)
    made[fault] = Check.not_made("it", "there is no Python 3.99 here")

    checks = check_gates(WIDE, MEASURED, made)

    failed = [check for check in checks if check.entry.status == "failed"]
    assert [check.entry.name for check in failed] == failing
    assert all("there is no Python 3.99 here" in check.entry.detail for check in failed)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf")])
def test_a_limit_that_nothing_could_pass_or_everything_is_wrong_usage(limit: float) -> None:
    with pytest.raises(ConfigError, match=r"--max-p50-ms .* is no positive number"):
        Gates(p50_ms=limit)


def test_the_sizes_are_those_of_zip_and_layer_together(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, model=None, layer={"python/one.py": "#" * 3_000_000})

    report = check_bundle(
        bundle, is_static=True, gates=Gates(unzipped_mb=2.9, zipped_mb=100, init_ms=1e6)
    )

    assert report.measurements.unzipped_bytes is not None
    assert report.measurements.zipped_bytes is not None
    assert 3_000_000 < report.measurements.unzipped_bytes < 3_100_000
    zips = [tmp_path / "function.zip", tmp_path / "layer.zip"]
    assert report.measurements.zipped_bytes == sum(path.stat().st_size for path in zips)
    found = failures(report)
    assert "2.9 MB allowed" in found["gate: unzipped size"]
    assert "only static checks were asked for" in found["gate: init"]
    assert report.entries[-2].status == "passed"
    assert not report.is_ok
