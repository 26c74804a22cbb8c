"""Each flavor's models, logged by real MLflow, answer from their bundles as MLflow does."""

import shutil
from pathlib import Path

import pytest

from tests.flavors.harness import run_row
from tests.flavors.saver import Row, all_rows


def _parameter(row: Row) -> object:
    # The default suite has one model of each light flavor: the loaders' own tests have the rest.
    is_first = row.variant == row.saver.variants[0]
    is_default = is_first and not row.saver.is_heavy
    marker = pytest.mark.runtime if is_default else pytest.mark.flavors
    return pytest.param(row, id=str(row), marks=marker)


@pytest.mark.parametrize("row", [_parameter(row) for row in all_rows()])
def test_the_bundle_predicts_what_mlflow_predicts(row: Row, tmp_path: Path) -> None:
    outcome = run_row(row, tmp_path)

    assert set(outcome.checks.values()) == {"passed"}, outcome.checks
    shutil.rmtree(tmp_path)  # gigabytes, and pytest would keep those of three runs
