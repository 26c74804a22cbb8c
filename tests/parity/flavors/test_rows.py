"""A row that fails is said to, and nothing of it is stored."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.parity.flavors.__main__ import run
from tests.parity.flavors.harness import passed_checks
from tests.parity.flavors.page import RESULTS
from tests.parity.flavors.saver import Row, all_rows


def test_a_row_whose_environment_cannot_be_made_fails_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path))
    saver = all_rows()[0].saver
    missing = replace(
        saver, requirements=(f"missing @ {tmp_path.as_uri()}/missing-1-py3-none-any.whl",)
    )

    assert not run(Row(missing, "no_such_variant"))
    assert "no_such_variant FAILED" in capsys.readouterr().err
    assert not list(RESULTS.glob("*no_such_variant*"))


@pytest.mark.parametrize("status", ["failed", "not made"])
def test_a_check_that_did_not_pass_fails_the_row(status: str) -> None:
    checks = [{"name": "prediction", "status": "passed"}, {"name": "same", "status": status}]

    with pytest.raises(AssertionError, match=f"'same': '{status}'"):
        passed_checks({"check": {"checks": checks}})
    assert passed_checks({"check": {"checks": checks[:1]}}) == {"prediction": "passed"}
