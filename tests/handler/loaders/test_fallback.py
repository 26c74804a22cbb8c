"""Models that MLflow itself loads, in a process as on Lambda: no network, no home, no writing."""

import json
import subprocess
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest
import yaml
from sklearn.linear_model import LinearRegression

from handler.errors import ModelLoadError
from handler.loaders.load import load_model
from handler.manifest import ModelInfo
from packager.model.flavors import fallback
from packager.model.flavors.sections import Sections

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow's, of its own type hints
    import mlflow.pyfunc
    import mlflow.sklearn
    from mlflow.models import infer_signature

FRAME = pd.DataFrame({"height": [1.0, 2.0, 4.0], "width": [0.5, 0.25, 3.0]})

# Prints the predictions; ends with an error where something connects or writes.
SCRIPT = """
import json, os, sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise RuntimeError(f"{event}: {arguments[1:]}")
    if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR):
        if isinstance(arguments[0], str) and arguments[0] != os.devnull:
            raise RuntimeError(f"writes to {arguments[0]}")

sys.addaudithook(refuse)
from pathlib import Path
from handler.loaders.load import import_ahead, load_model
from handler.manifest import ModelInfo

info = ModelInfo(**json.loads(sys.argv[2]))
import_ahead(info)
predictor = load_model(Path(sys.argv[1]), info)
import pandas
frame = pandas.DataFrame(json.loads(sys.argv[3]))
print(json.dumps(predictor.predict(frame, None).tolist()))
"""


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    model = LinearRegression().fit(FRAME, [1.0, 0.0, 2.0])
    mlflow.sklearn.save_model(
        model,
        tmp_path / "model",
        signature=infer_signature(FRAME, model.predict(FRAME)),
        serialization_format="cloudpickle",
        pip_requirements=[],
    )
    return tmp_path / "model"


def read(folder: Path) -> ModelInfo:
    """Read a model as one of a flavor without a row of its own."""
    document = yaml.safe_load((folder / "MLmodel").read_text())
    pyfunc = document["flavors"]["python_function"]
    return fallback.FLAVOR.read(Sections(folder, document, pyfunc, {}, []))


def test_predicts_as_mlflow_and_keeps_to_itself(saved: Path, tmp_path: Path) -> None:
    info = json.dumps({key: value for key, value in asdict(read(saved)).items() if key != "engine"})
    argv = [sys.executable, "-B", "-c", SCRIPT, saved, info, FRAME.to_json()]
    root = Path(__file__).parents[3]

    done = subprocess.run(
        argv,
        env={"HOME": str(tmp_path / "nowhere"), "PYTHONPATH": str(root)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "nowhere").exists()
    assert json.loads(done.stdout) == list(mlflow.pyfunc.load_model(str(saved)).predict(FRAME))


def test_a_program_that_lambda_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flavors = {"python_function": {"loader_module": "mlflow.spark", "data": "sparkml"}, "spark": {}}
    (tmp_path / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors}))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ModelLoadError, match=r"mlflow\.spark starts the program 'java'"):
        load_model(tmp_path, read(tmp_path))
