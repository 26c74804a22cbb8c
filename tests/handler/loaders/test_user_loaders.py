"""Loader modules of the user's own, under MLflow and without it."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest

from handler.errors import ModelLoadError
from handler.loaders.load import import_ahead, load_model
from packager.model.mlmodel import read_mlmodel
from tests.support.without_mlflow import without_mlflow

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mlflow.pyfunc


from tests.support.python_twins import FRAME, Twins

pytestmark = pytest.mark.filterwarnings("ignore")


def save_with_loader(folder: Path, source: str, **how: Any) -> Path:
    name = f"loader_of_{folder.parent.name}".replace("-", "_")
    (folder.parent / f"{name}.py").write_text(source)
    (folder.parent / "data.pkl").write_bytes(pickle.dumps([2.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.pyfunc.save_model(
            folder,
            loader_module=name,
            code_paths=[str(folder.parent / f"{name}.py")],
            pip_requirements=["pandas"],
            **how,
        )
    return folder


LOADER = """
import pickle
from mlflow.exceptions import MlflowException

class Model:
    def __init__(self, factor): self.factor = factor
    def predict(self, data{}): return data * self.factor
    def refuse(self, data): raise MlflowException.invalid_parameter_value("no")

def _load_pyfunc(path, config=None):
    return Model(pickle.load(open(path, "rb"))[0] * (config or {{"k": 1}})["k"])
"""


@pytest.mark.parametrize("params", ["", ", params=None", ", **params"])
@pytest.mark.parametrize("config", [None, {"k": 3}])
@pytest.mark.parametrize("data", [FRAME, FRAME["a"].to_numpy()])
def test_a_loader_of_the_users_own_is_called_as_by_mlflow(
    tmp_path: Path, params: str, config: Any, data: Any
) -> None:
    source = LOADER.format(params)
    path = str(tmp_path / "data.pkl")
    folder = save_with_loader(tmp_path / "model", source, data_path=path, model_config=config)
    twins = Twins(folder)
    import_ahead(twins.info)  # the loader's own code may run only once it is unpacked
    theirs, ours = twins.answers(data, {"p": 1})
    assert ours == theirs


def test_a_loader_without_data_gets_the_whole_model(tmp_path: Path) -> None:
    source = """
import pathlib
class Model:
    def predict(self, data): return [self.found, data["a"].tolist()]
def _load_pyfunc(path):
    model = Model()
    model.found = (pathlib.Path(path) / "MLmodel").is_file()
    return model
"""
    twins = Twins(save_with_loader(tmp_path / "model", source))
    theirs, ours = twins.answers(FRAME)
    assert ours == theirs
    assert {"MLmodel", "requirements.txt"} <= {file.path for file in twins.info.files}


def test_what_a_loader_returns_has_to_have_the_method(tmp_path: Path) -> None:
    source = "class Model: pass\ndef _load_pyfunc(path): return Model()\n"
    folder = save_with_loader(tmp_path / "model", source)
    with without_mlflow({}), pytest.raises(ModelLoadError, match="no method 'predict'"):
        load_model(folder, read_mlmodel(folder).info)
