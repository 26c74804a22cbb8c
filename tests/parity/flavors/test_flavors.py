"""Each flavor's models, logged by real MLflow, answer from their bundles as MLflow does."""

import shutil
from pathlib import Path

import pytest

from tests.parity.flavors.harness import run_row
from tests.parity.flavors.saver import Row, all_rows

IN_THE_DEFAULT_SUITE = {"onnx/tensor", "python_function/cloudpickle"}
"""What needs no environment of hundreds of MB: the example is of scikit-learn, and the loaders have
tests of their own. `make test-flavors`, a job of its own, has all others."""


def _parameter(row: Row) -> object:
    is_default = str(row) in IN_THE_DEFAULT_SUITE
    marker = pytest.mark.runtime if is_default else pytest.mark.flavors
    return pytest.param(row, id=str(row), marks=marker)


@pytest.mark.parametrize("row", [_parameter(row) for row in all_rows()])
def test_the_bundle_predicts_what_mlflow_predicts(row: Row, tmp_path: Path) -> None:
    outcome = run_row(row, tmp_path)

    assert set(outcome.checks.values()) == {"passed"}, outcome.checks
    shutil.rmtree(tmp_path)  # gigabytes, and pytest would keep those of three runs
