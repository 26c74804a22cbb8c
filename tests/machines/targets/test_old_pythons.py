"""Models that old Pythons logged: taken apart there, and served by a Python that Lambda has.

The interpreters have to be here (`uv python install 3.8 3.9 3.10`, or pyenv's or conda's): what is
missing fails.
"""

import json
import subprocess
from pathlib import Path

import pytest

from packager.local.envs import ensure_env
from packager.support.interpreters import find_python
from tests.support.commands import packager

LIBRARIES = {
    "3.7": ("scikit-learn==0.22.2.post1", "lightgbm==2.3.1", "xgboost==1.2.0"),
    "3.8": ("scikit-learn==0.24.2", "lightgbm==3.2.1", "xgboost==1.4.2"),
    "3.9": ("scikit-learn==1.0.2", "lightgbm==3.3.5", "xgboost==1.6.2"),
    "3.10": ("scikit-learn==1.2.2", "lightgbm==3.3.5", "xgboost==1.7.6"),
}
TRAINING = ("cloudpickle==2.2.1", "numpy<1.24", "pandas<1.5", "scipy<1.11", "setuptools<60")
MODELS = {
    "forest": "RandomForestClassifier(9)",
    "regression": "RandomForestRegressor(9, n_jobs=2)",
    "boosting": "GradientBoostingClassifier(n_estimators=9)",
    "pipeline": "make_pipeline(ColumnTransformer([('n', StandardScaler(), ['a', 'b']),"
    " ('c', OneHotEncoder(handle_unknown='ignore'), ['c'])]), LogisticRegression())",
    "clusters": "KMeans(n_clusters=3)",
    "lightgbm": "LGBMClassifier(n_estimators=9)",
    "xgboost": "XGBRegressor(n_estimators=9)",
}
# Runs there: the syntax is Python 3.7's.
TRAIN = """
import sys, cloudpickle, numpy as np, pandas as pd
from lightgbm import LGBMClassifier
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import *
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBRegressor
random = np.random.RandomState(0)
rows = pd.DataFrame(random.normal(size=(300, 2)), columns=["a", "b"])
rows["c"] = random.choice([1.0, 2.0, 3.0], 300)
model = eval(sys.argv[1]).fit(rows, (rows["a"] > rows["b"]).astype(int))
with open(sys.argv[2], "wb") as file:
    cloudpickle.dump(model, file)
"""


def log_model(minor: str, name: str, folder: Path) -> Path:
    """Write the folder that MLflow of that time wrote."""
    python = ensure_env("old-training", minor, (*LIBRARIES[minor], *TRAINING), is_built=False)
    folder.mkdir()
    argv = [python, "-W", "ignore", "-c", TRAIN, MODELS[name], folder / "model.pkl"]
    subprocess.run(argv, check=True)
    columns = [{"name": column, "type": "double"} for column in "abc"]
    pins = ["mlflow", "psutil==5.8.0", "cloudpickle==2.2.1", *LIBRARIES[minor]]
    (folder / "requirements.txt").write_text("\n".join(pins))
    document = {
        "flavors": {
            "python_function": {
                "loader_module": "mlflow.sklearn",
                "model_path": "model.pkl",
                "python_version": f"{minor}.1",
            },
            "sklearn": {"pickled_model": "model.pkl", "serialization_format": "cloudpickle"},
        },
        "signature": {"inputs": json.dumps(columns), "outputs": json.dumps([{"type": "double"}])},
    }
    (folder / "MLmodel").write_text(json.dumps(document))  # JSON is YAML
    return folder


@pytest.mark.targets
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("minor", LIBRARIES)
def test_a_model_of_an_old_python_is_compiled_to_the_bit_and_proven(
    minor: str, name: str, tmp_path: Path
) -> None:
    assert find_python(minor), f"Python {minor} is not here: uv python install {minor}"
    model = log_model(minor, name, tmp_path / "model")

    done = packager("build", model, "-o", tmp_path / "dist", "--json", timeout_s=900)

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    engine = report["plan"]["engine"]
    assert (engine["name"], engine["python"], engine["max_difference"]) == ("arrays", minor, 0.0)
    checks = {check["name"]: check["status"] for check in report["check"]["checks"]}
    assert checks["same predictions as the source model"] == "passed"
    names = {package["name"] for package in report["plan"]["packages"]}
    assert not names & {"scikit-learn", "lightgbm", "xgboost"}
