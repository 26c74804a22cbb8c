"""What of MLflow a Python model names is read from its files, and nothing is run."""

import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest

from packager.model.mlflow_use import why_mlflow
from packager.model.pickle_names import why_of_pickle

with warnings.catch_warnings():
    # MLflow warns of its own type hints.
    warnings.simplefilter("ignore")
    import mlflow.exceptions
    import mlflow.pyfunc
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from mlflow.types.schema import Schema

pytestmark = pytest.mark.filterwarnings("ignore")

ENOUGH = [
    "x = 1",
    "import mlflow",
    "import mlflow\nclass M(mlflow.pyfunc.PythonModel): pass",
    "import mlflow.pyfunc\nmlflow.pyfunc.PythonModel.predict",
    "import mlflow.pyfunc as p\nclass M(p.PythonModel): pass",
    "from mlflow import pyfunc\nclass M(pyfunc.PythonModel): pass",
    "from mlflow.pyfunc import PythonModel, PythonModelContext as C\ndef f(c: C): pass",
    "from mlflow.models import ModelConfig, set_model\nset_model(ModelConfig)",
    "import mlflow as m\nm.models.set_model(m.models.ModelConfig(development_config={}))",
    "from mlflow.pyfunc.utils import pyfunc\n@pyfunc\ndef f(x: list[str]): pass",
    "from mlflow.exceptions import MlflowException\nraise MlflowException('x')",
    "import mlflow\nraise mlflow.exceptions.MlflowException.invalid_parameter_value('x')",
    "from mlflow.protos.databricks_pb2 import BAD_REQUEST\nBAD_REQUEST",
    "import mlflow\nif __name__ == '__main__':\n    mlflow.log_metric('x', 1)",
    "'words about mlflow, and mlflow.sklearn'",
    "def f(c: 'mlflow.pyfunc.PythonModelContext'): pass",
    "def f(c: 'list[mlflow.pyfunc.PythonModelContext]') -> 'dict[str, os.PathLike]': pass",
    "from . import mlflow\nmlflow.anything",
    "import os.path\nos.path.join('a')",
]
NOT_ENOUGH = [
    ("import mlflow.sklearn", "names mlflow.sklearn in line 1"),
    ("import mlflow\n\nmlflow.sklearn.load_model('x')", "names mlflow.sklearn in line 3"),
    ("from mlflow import sklearn", "names mlflow.sklearn in line 1"),
    ("from mlflow.pyfunc import *", "names mlflow.pyfunc.* in line 1"),
    ("from mlflow.types.llm import ChatMessage", "names mlflow.types.llm.ChatMessage"),
    ("import mlflow\n@mlflow.trace\ndef f(): pass", "names mlflow.trace"),
    ("import mlflow\ngetattr(mlflow, 'x')", "names mlflow in line 2"),
    ("import mlflow as m\nf(m.pyfunc)", "names mlflow.pyfunc in line 2"),
    ("def f():\n    import mlflow\n    return mlflow.active_run()", "names mlflow.active_run"),
    ("__import__('mlflow.sklearn')", "names mlflow.sklearn in line 1"),
    ("import mlflow\nclass M(mlflow.pyfunc.ChatModel): pass", "names mlflow.pyfunc.ChatModel"),
    (
        "if __name__ == '__main__':\n    f()\nelse:\n    import mlflow.sklearn",
        "names mlflow.sklearn",
    ),
    (
        "import mlflow\nif __name__ == '__main__':\n    f()\nelif mlflow.active_run(): f()",
        "names mlflow.active_run in line 4",
    ),
    ("def f(x: 'list[mlflow.types.llm.ChatMessage]'): pass", "names mlflow.types.llm in"),
    ("def f() -> 'list[mlflow.types.llm.ChatMessage]': pass", "names mlflow.types.llm in"),
    ("x: list['mlflow.sklearn.Model | None']", "names mlflow.sklearn in line 1"),
    ("import mlflow as m\nasync def f() -> 'list[m.sklearn.X]': pass", "names mlflow.sklearn"),
    ("dbutils.secrets.get('x')", "names dbutils in line 1"),
    ("print 'python 2'", "cannot be read"),
]


@pytest.mark.parametrize("source", ENOUGH)
def test_code_that_names_what_we_have_does_without_mlflow(tmp_path: Path, source: str) -> None:
    (tmp_path / "model.py").write_text(source)
    assert why_mlflow(tmp_path, ["model.py"]) is None


@pytest.mark.parametrize(("source", "why"), NOT_ENOUGH)
def test_code_that_names_more_needs_mlflow(tmp_path: Path, source: str, why: str) -> None:
    folder = tmp_path / "code" / "package"
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(source)
    found = why_mlflow(tmp_path, ["code"])
    assert found is not None
    assert found.startswith(f"code/package/model.py {why}")


def test_compiled_modules_that_mention_mlflow_need_it(tmp_path: Path) -> None:
    (tmp_path / "a.so").write_bytes(b"\x7fELF nothing")
    (tmp_path / "empty.so").write_bytes(b"")
    assert why_mlflow(tmp_path, ["a.so", "empty.so", "missing"]) is None
    (tmp_path / "b.so").write_bytes(b"\x7fELF import mlflow")
    assert why_mlflow(tmp_path, ["b.so"]) == "b.so mentions mlflow in compiled code"


class Plain(mlflow.pyfunc.PythonModel):
    def predict(self, context: mlflow.pyfunc.PythonModelContext, model_input: list[str]):
        return model_input


class Raises(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        raise mlflow.exceptions.MlflowException("x")


class RaisesByName(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        raise MlflowException("x")


class Imports(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        import mlflow.sklearn as flavor

        return flavor


class Holds(mlflow.pyfunc.PythonModel):
    def __init__(self, held: Any = None) -> None:
        self.held = held

    def predict(self, context, model_input):
        return self.held


MlflowException = mlflow.exceptions.MlflowException
SIGNATURE = infer_signature(pd.DataFrame({"func": [1.5]}), params={"k": [1.0]})
HELD = infer_signature(pd.DataFrame({"a": [1]}))


def echo(model_input):
    return model_input


def echo_of_a_signature(model_input):
    return HELD


signature = HELD


def echo_of_another_signature(model_input):
    return signature


@pytest.fixture
def pickled(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Save a model with MLflow, as from a notebook, and return its folder."""
    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)

    def save(model: Any, **how: Any) -> Path:
        mlflow.pyfunc.save_model(tmp_path / "m", python_model=model, pip_requirements=[], **how)
        return tmp_path / "m"

    yield save
    cloudpickle.unregister_pickle_by_value(module)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (Plain(), None),
        (RaisesByName(), None),
        (Holds({"big": np.zeros(3_000_000)}), None),
        (Raises(), "names mlflow"),
        (Imports(), "names mlflow.sklearn"),
        (Holds(HELD), "names mlflow.models.signature.ModelSignature"),
        (Holds(Schema), "names mlflow.types.schema.Schema"),
        (Holds("mlflow.sklearn"), "names mlflow.sklearn"),
        (Holds(pickle.dumps(Schema)), "has bytes that mention mlflow"),
        (Holds(b"mlflow" + b" " * 40_000_000), "has bytes that mention mlflow"),
        (echo, None),
        (echo_of_a_signature, "names mlflow.models.signature.ModelSignature"),
        (echo_of_another_signature, "names mlflow.models.signature.ModelSignature"),
    ],
)
def test_a_pickle_needs_mlflow_only_for_what_we_have_not(
    pickled: Callable[..., Path], model: Any, why: str | None
) -> None:
    folder = pickled(model)
    expected = why and f"python_model.pkl {why}"
    assert why_mlflow(folder, ["python_model.pkl"]) == expected


def test_the_signature_that_a_function_was_logged_with_needs_nothing(
    pickled: Callable[..., Path],
) -> None:
    assert why_mlflow(pickled(echo, signature=HELD), ["python_model.pkl"]) is None


def test_a_function_that_uses_its_own_signature_needs_mlflow(pickled: Callable[..., Path]) -> None:
    folder = pickled(echo_of_a_signature, signature=HELD)
    assert why_mlflow(folder, ["python_model.pkl"]) == (
        "python_model.pkl uses a part of its signature"
    )


@pytest.mark.parametrize(
    ("function", "signature", "why"),
    [
        (echo, HELD, None),
        (echo, None, None),
        (echo_of_another_signature, None, "names mlflow.models.signature.ModelSignature"),
        (echo_of_another_signature, HELD, "names mlflow.models.signature.ModelSignature"),
    ],
)
def test_functions_that_an_older_mlflow_logged_are_read_too(
    pickled: Callable[..., Path], function: Any, signature: Any, why: str | None
) -> None:
    folder = pickled(echo)
    model = mlflow.pyfunc.model._FunctionPythonModel.__new__(
        mlflow.pyfunc.model._FunctionPythonModel
    )
    model.func, model.signature = function, signature
    (folder / "old.pkl").write_bytes(cloudpickle.dumps(model))
    assert why_mlflow(folder, ["old.pkl"]) == (why and f"old.pkl {why}")


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "lzma"])
def test_compressed_pickles_are_read(
    pickled: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, compression: str
) -> None:
    monkeypatch.setenv("MLFLOW_LOG_MODEL_COMPRESSION", compression)
    folder = pickled(Holds(Schema))
    (path,) = folder.glob("python_model.*")
    why = why_mlflow(folder, [path.name], compression)
    assert why == f"{path.name} names mlflow.types.schema.Schema"
    path.write_bytes(path.read_bytes()[:200])
    why = why_mlflow(folder, [path.name], compression)
    assert why == f"{path.name} cannot be read"


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_pickles_among_the_artifacts_are_read(tmp_path: Path, protocol: int) -> None:
    (tmp_path / "artifacts").mkdir()
    path = tmp_path / "artifacts" / "a.pkl"
    path.write_bytes(pickle.dumps([1], protocol))
    (tmp_path / "artifacts" / "notes.txt").write_text("mlflow.sklearn")
    assert why_mlflow(tmp_path, ["artifacts"]) is None
    path.write_bytes(pickle.dumps([MlflowException, Schema, Schema], protocol))
    assert why_mlflow(tmp_path, ["artifacts"]) == (
        "artifacts/a.pkl names mlflow.types.schema.Schema"
    )


def test_a_pickle_too_long_to_be_read_needs_mlflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(["mlflow.pyfunc.PythonModel"]))
    assert why_mlflow(tmp_path, ["a.pkl"]) is None
    monkeypatch.setattr("packager.model.pickle_names._MAX_OPCODES", 3)
    assert why_mlflow(tmp_path, ["a.pkl"]) == "a.pkl is too long to be read"


def test_a_pickle_that_ends_early_or_hides_its_names_needs_mlflow(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    whole = pickle.dumps([Schema, "x"], 5)
    path.write_bytes(whole[:-3])
    assert why_mlflow(tmp_path, ["a.pkl"]) == "a.pkl cannot be read"
    path.write_bytes(b"\x80\x05\x8e" + (1 << 25).to_bytes(8, "little") + bytes(1 << 24))
    assert why_mlflow(tmp_path, ["a.pkl"], None) is None  # an artifact that never says mlflow
    assert why_of_pickle(path, None) == "cannot be read"
    # A global whose module is no string of the pickle's.
    path.write_bytes(b"\x80\x04NN\x93\x8c\x06mlflow0.")
    assert why_mlflow(tmp_path, ["a.pkl"]) == "a.pkl has names that cannot be read"
