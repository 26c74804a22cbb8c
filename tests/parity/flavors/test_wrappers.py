"""The loaders of the heavy flavors do with odd data what MLflow's wrappers do, errors included."""

import json
import os
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from packager.local.envs import ensure_env
from packager.model.mlmodel import read_mlmodel
from tests.parity.flavors.harness import log_model, wheels_of_this_machine
from tests.parity.flavors.saver import MLFLOW, Row, all_rows
from tests.support.commands import ROOT

pytestmark = pytest.mark.flavors
SCRIPT = Path(__file__).parent / "wrapped.py"
NETWORKS = ("pytorch", "tensorflow", "keras", "keras_jax", "keras_torch")
ROWS = [row for row in all_rows() if row.saver.name in NETWORKS]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_odd_data_is_taken_or_refused_as_mlflow_does(row: Row, tmp_path: Path) -> None:
    wheels = wheels_of_this_machine(row.saver)
    log_model(row, tmp_path, wheels)
    lines = [MLFLOW, *row.saver.requirements]
    python = ensure_env("flavors", row.saver.python, lines, indexes=wheels)
    info = asdict(read_mlmodel(tmp_path / "model").info)
    fields = ("flavor", "data_path", "serialization_format", "options")
    (tmp_path / "info.json").write_text(json.dumps({name: info[name] for name in fields}))

    done = subprocess.run(
        [python, "-P", SCRIPT, tmp_path],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {}
