"""A package that a rule dropped and the model needs after all, in the middle of a prediction."""

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

def to_arrow_and_back(rows):
    import pyarrow
    return pyarrow.Table.from_pandas(rows).to_pandas()

model = FunctionTransformer(to_arrow_and_back)
mlflow.sklearn.save_model(
    model,
    sys.argv[1],
    serialization_format="cloudpickle",
    pyfunc_predict_fn="transform",
    input_example=pd.DataFrame({"x": [1.5, 2.5]}),
    pip_requirements=["scikit-learn", "cloudpickle", "pandas", "numpy", "pyarrow"],
)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arrow") / "model"
    done = subprocess.run(
        [sys.executable, "-c", SAVE, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.runtime
def test_a_build_that_dropped_what_predicting_needs_fails_and_says_how_to_keep_it(
    model: Path, tmp_path: Path
) -> None:
    done = packager("build", model, "-o", tmp_path / "dist", timeout_s=600)

    assert done.returncode == 3, done.stdout
    assert "pyarrow" in done.stderr
    assert "--keep" in done.stderr
    assert not (tmp_path / "dist").exists()
