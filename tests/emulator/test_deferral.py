"""A module that is imported at no cold start, and needed by a request, on the real runtime."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from packager.bundle.folder import read_bundle
from packager.local.emulator import Emulator, runtime_python
from packager.local.invoke import unpacked
from tests.support.commands import ROOT, packager

pytestmark = pytest.mark.runtime

# scikit-learn's quantile transformer names scipy.stats in one branch of one method. Negative
# rows ask which modules are imported: the build compares answers to all others with the source
# model's, in whose process they all are.
SAVE = """
import sys
import mlflow.sklearn
import pandas as pd
from sklearn.preprocessing import FunctionTransformer

def to_normal(rows):
    import sys
    import numpy as np
    from sklearn.preprocessing import quantile_transform
    values = np.asarray(rows, dtype=float)
    if values.max() < 0:
        return np.array([float(name in sys.modules) for name in ("scipy.stats", "sklearn.base")])
    if values.max() > 1000:
        values = quantile_transform(values, n_quantiles=3, output_distribution="normal")
    return values[:, 0]

model = FunctionTransformer(to_normal)
mlflow.sklearn.save_model(
    model,
    sys.argv[1],
    serialization_format="cloudpickle",
    pyfunc_predict_fn="transform",
    input_example=pd.DataFrame({"x": [1.5, 2.5]}),
    pip_requirements=["scikit-learn<1.9", "cloudpickle", "pandas", "numpy"],
)
"""


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("deferral")
    subprocess.run([sys.executable, "-c", SAVE, str(folder / "model")], check=True)
    options = ("--model-source", "embedded", "--optimize", "none")
    done = packager("build", folder / "model", "-o", folder / "dist", *options, timeout_s=600)
    assert done.returncode == 0, done.stderr
    bundle = read_bundle(folder / "dist")
    python = runtime_python(bundle.manifest.target.runtime.removeprefix("python"))
    with (
        unpacked(bundle.function_zip) as task_root,
        Emulator(task_root, python=python, environment={}, timeout_s=60) as running,
    ):
        yield running


def predict(function: Emulator, values: list[float]) -> list[float]:
    event: dict[str, Any] = json.loads(
        (ROOT / "events" / "http-api-dataframe-split.json").read_text()
    )
    event["body"] = json.dumps(
        {"dataframe_split": {"columns": ["x"], "data": [[value] for value in values]}}
    )
    reply = function.invoke(event)
    assert reply.payload["statusCode"] == 200, (reply.payload, reply.log)
    predictions: list[float] = json.loads(reply.payload["body"])["predictions"]
    return predictions


def test_a_deferred_module_is_imported_by_the_first_request_that_needs_it(
    function: Emulator,
) -> None:
    assert predict(function, [1.5, 2.5]) == [1.5, 2.5]
    assert predict(function, [-1.0]) == [0.0, 1.0]  # scikit-learn is imported, scipy.stats is not

    ranks = predict(function, [1.0, 2.0, 3000.0])

    assert ranks == pytest.approx([-5.199337582605575, 0.0, 5.19933758270342])
    assert predict(function, [-1.0]) == [1.0, 1.0]
