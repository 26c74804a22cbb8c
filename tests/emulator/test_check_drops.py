"""A package that nothing in the model names, and that a prediction needs after all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import packager

# In a process of its own: MLflow and scikit-learn warn, and the function is pickled by value.
SAVE = """
import sys
import mlflow.sklearn
import pandas as pd
from sklearn.preprocessing import FunctionTransformer

def length_in_latex(rows):
    # pandas imports Jinja2 for it, and what is pickled names neither.
    write = getattr(rows, "_".join(["to", "latex"]))
    return pd.DataFrame({"length": [len(write())] * len(rows)})

model = FunctionTransformer(length_in_latex)
mlflow.sklearn.save_model(
    model,
    sys.argv[1],
    serialization_format="cloudpickle",
    pyfunc_predict_fn="transform",
    input_example=pd.DataFrame({"x": [1.5, 2.5]}),
    pip_requirements=["scikit-learn<1.9", "cloudpickle", "pandas", "numpy", "jinja2", "psutil"],
)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("latex") / "model"
    done = subprocess.run(
        [sys.executable, "-c", SAVE, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.runtime
def test_what_was_dropped_and_is_missed_comes_back(model: Path, tmp_path: Path) -> None:
    done = packager("build", model, "-o", tmp_path / "dist", timeout_s=900)

    assert done.returncode == 0, done.stderr
    assert "missed, so kept: jinja2" in done.stderr
    manifest = json.loads((tmp_path / "dist" / "bundle.json").read_text())
    names = {package["name"] for package in manifest["packages"]}
    assert "jinja2" in names
    assert "psutil" not in names
    checks = {check["name"]: check["status"] for check in manifest["checks"]}
    assert checks["same predictions as the source model"] == "passed"
