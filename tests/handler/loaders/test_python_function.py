"""Python models of the user's own predict as under MLflow, without MLflow and with it."""

import importlib.util
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from handler.errors import ModelLoadError
from handler.loaders.load import import_ahead, load_model
from handler.pythonmodels.code import ModelConfig, run_model_code
from handler.pythonmodels.model import FunctionPythonModel, PythonModelContext
from handler.pythonmodels.modules import make_importable
from handler.pythonmodels.wrapper import PythonModelWrapper
from packager.model.mlmodel import read_mlmodel
from tests.support.without_mlflow import without_mlflow

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mlflow.pyfunc
    import mlflow.sklearn
    from mlflow.models import infer_signature

    from tests.support import python_models as models
    from tests.support.python_twins import FRAME, Twins, forget_classes, outcome, save

pytestmark = pytest.mark.filterwarnings("ignore")

WORDS = pd.DataFrame({"n": [1, 2], "text": ["x", "y"]})


@pytest.fixture(autouse=True)
def _pickled_by_value(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As a notebook's classes are; and MLflow may load what it saved."""
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_MODEL_CODE_EXECUTION", "true")
    cloudpickle.register_pickle_by_value(models)
    yield
    cloudpickle.unregister_pickle_by_value(models)


def words(predict: Callable[..., Any], data: Any) -> Any:
    """Return what can be compared where each has an exception of its own."""
    try:
        return predict(data)
    except Exception as error:
        return type(error).__name__, str(error), error.error_code


def save_with_context(folder: Path, **how: Any) -> Path:
    weights = folder.parent / "weights.npy"
    np.save(weights, np.array([2.0, -1.0]))
    artifacts = {"weights": str(weights)}
    return save(folder, models.WithContext(), artifacts=artifacts, **how)


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (models.WithoutContext(), FRAME),
        (models.OtherNames(), FRAME),
        (models.Strings(), WORDS),
        (models.Strings(), FRAME),
        (models.Strings(), ["x", "y"]),
        (models.Strings(), [1]),
        (models.Dicts(), WORDS.assign(n="1")),
        (models.Dicts(), [{"a": "b"}]),
        (models.LikeExample(), FRAME),
        (models.Refuses(), FRAME),
        (models.Refuses(), FRAME.head(1)),
        (models.Streams(), FRAME),
        (models.NoStream(), FRAME),
        (models.doubled, FRAME),
        (models.shouted, ["x"]),
        (models.shouted, [None]),
        (models.shouted, WORDS[["text"]]),
    ],
)
def test_predicts_or_fails_as_under_mlflow(tmp_path: Path, model: Any, data: Any) -> None:
    twins = Twins(save(tmp_path / "model", model))
    theirs, ours = twins.answers(data)
    assert ours == theirs


@pytest.mark.parametrize("hinted", [models.Dicts(), models.FromText(), models.Strings()])
@pytest.mark.parametrize("example", [["x"], WORDS[["text"]], WORDS, None])
@pytest.mark.parametrize("data", [WORDS, WORDS[["text"]], FRAME, pd.DataFrame([[1.5], [2.5]])])
def test_a_table_becomes_a_list_as_hint_and_signature_say(
    hinted: Any, example: Any, data: pd.DataFrame
) -> None:
    signature = None if example is None else infer_signature(example)
    inputs = signature and json.loads(signature.to_dict()["inputs"])
    context = PythonModelContext({}, None)
    theirs = mlflow.pyfunc.model._PythonModelPyfuncWrapper(hinted, context, signature)
    ours = PythonModelWrapper(hinted, context, inputs)
    if signature is None and not isinstance(hinted, models.Strings):
        with pytest.raises((AttributeError, TypeError)):
            ours.predict(data)
        return
    assert words(ours.predict, data) == words(theirs.predict, data)


@pytest.mark.parametrize("compression", [None, "gzip", "bzip2", "lzma"])
def test_artifacts_params_and_configuration_reach_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str | None
) -> None:
    if compression:
        monkeypatch.setenv("MLFLOW_LOG_MODEL_COMPRESSION", compression)
    signature = infer_signature(FRAME, params={"k": 1.0})
    config = {"tag": "blue", "size": 2}
    folder = save_with_context(tmp_path / "model", signature=signature, model_config=config)
    twins = Twins(folder)
    theirs, ours = twins.answers(FRAME, {"k": 2.5})
    assert ours == theirs
    assert twins.info.options["compression"] == compression
    assert twins.ours.model.python_model.is_absolute


@pytest.mark.parametrize("config", [None, {"tag": "blue", "size": 2}])
def test_the_environment_changes_the_configuration_where_it_has_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Any, caplog: pytest.LogCaptureFixture
) -> None:
    folder = save_with_context(tmp_path / "model", model_config=config)
    info = read_mlmodel(folder).info
    monkeypatch.setenv("MLFLOW_PYFUNC_INFERENCE_CONFIG", '{"tag": "red", "size": 3}')
    # MLflow's server reads this one.
    served = {"tag": "green", "other": 1}
    monkeypatch.setenv("SERVING_MODEL_CONFIG", json.dumps(served))
    judge = mlflow.pyfunc.load_model(str(folder), model_config=served)
    forget_classes()
    with without_mlflow({}):
        ours = load_model(folder, info)
        answer = outcome(ours.predict, FRAME, None)
    assert answer == outcome(judge.predict, FRAME, None)
    assert "has no other" in caplog.text or config is None


@pytest.mark.parametrize(
    ("example", "data"),
    [
        (["x", "y"], pd.DataFrame({0: ["p", "q"]})),
        ([{"a": 1.5, "b": "z"}], pd.DataFrame({"a": [2.5], "b": ["w"]})),
        (["x"], ["as it is"]),
        (FRAME, FRAME),
        ((["x"], {"k": 1.0}), pd.DataFrame({0: ["p"]})),
    ],
)
def test_a_model_gets_what_its_example_was(tmp_path: Path, example: Any, data: Any) -> None:
    twins = Twins(save(tmp_path / "model", models.LikeExample(), input_example=example))
    theirs, ours = twins.answers(data)
    assert ours == theirs


FROM_CODE = """
import mlflow
from mlflow.models import ModelConfig, set_model
from helpers import scaled

config = ModelConfig(development_config={"factor": 0})

class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[float], params=None) -> list[float]:
        return scaled(model_input, config.get("factor"), config.to_dict())

set_model(Model())
"""


@pytest.fixture
def helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the model's own."""
    path = tmp_path / "own" / "helpers.py"
    path.parent.mkdir()
    path.write_text(
        "def scaled(rows, factor, all):\n    return [x * factor for x in rows] + [all]\n"
    )
    monkeypatch.syspath_prepend(str(path.parent))
    return str(path)


def test_code_runs_with_its_modules_and_its_configuration(tmp_path: Path, helpers: str) -> None:
    (tmp_path / "model.py").write_text(FROM_CODE)
    folder = save(
        tmp_path / "model",
        str(tmp_path / "model.py"),
        code_paths=[helpers],
        model_config={"factor": 2.5},
    )
    twins = Twins(folder)
    theirs, ours = twins.answers([1.0, 2.0])
    assert ours == theirs
    assert twins.info.options["has_mlflow"] is False
    theirs, ours = twins.answers(["text"])
    assert ours == theirs


def test_code_may_set_a_function(tmp_path: Path) -> None:
    source = "from mlflow.models import set_model\nset_model(lambda model_input: model_input * 3)\n"
    (tmp_path / "model.py").write_text(source)
    twins = Twins(save(tmp_path / "model", str(tmp_path / "model.py")))
    theirs, ours = twins.answers(FRAME)
    assert ours == theirs


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1\n", "MlflowException"),
        ("from mlflow.models import set_model\nset_model('x')\n", "MlflowException"),
        ("from mlflow.models import set_model\nset_model(3)\n", "MlflowException"),
        ("from mlflow.models import ModelConfig\nModelConfig()\n", "FileNotFoundError"),
        ("import not_there\n", "not_there"),
        ("import mlflow.sklearn\n", "mlflow.sklearn"),
    ],
)
def test_code_that_makes_no_model_cannot_be_loaded(tmp_path: Path, source: str, words: str) -> None:
    good = "import mlflow.models\nmlflow.models.set_model(lambda model_input: 1)\n"
    (tmp_path / "model.py").write_text(good)
    folder = save(tmp_path / "model", str(tmp_path / "model.py"))
    info = read_mlmodel(folder).info
    (folder / "model.py").write_text(source)
    with without_mlflow({}), pytest.raises(ModelLoadError, match=words):
        load_model(folder, info)


def test_a_file_that_the_models_own_code_misses_is_named_without_its_folder(
    tmp_path: Path,
) -> None:
    source = """
import os
import mlflow
class Model(mlflow.pyfunc.PythonModel):
    def load_context(self, context): os.listdir(context.artifacts["words"])
    def predict(self, context, model_input): return model_input
mlflow.models.set_model(Model())
"""
    (tmp_path / "model.py").write_text(source)
    (tmp_path / "words").mkdir()
    artifacts = {"words": str(tmp_path / "words")}
    folder = save(tmp_path / "model", str(tmp_path / "model.py"), artifacts=artifacts)
    info = read_mlmodel(folder).info
    (folder / "artifacts" / "words").rmdir()  # no list of files has an empty folder
    with without_mlflow({}), pytest.raises(ModelLoadError) as raised:
        load_model(folder, info)
    assert raised.value.message == "loading model.py needs a file that is not there: words"


def test_a_configuration_has_only_its_own_keys() -> None:
    config = ModelConfig(development_config={"a": 1})
    assert config.get("a") == 1
    with pytest.raises(KeyError, match="'b' not found"):
        config.get("b")


def test_code_is_a_python_file(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("x = 1")
    with pytest.raises(ModelLoadError, match=r"model\.txt"):
        run_model_code(tmp_path / "model.txt", None)


def test_a_functions_hints_are_read_once() -> None:
    model = FunctionPythonModel(lambda model_input: model_input)
    assert model.predict_type_hints is model.predict_type_hints


def test_a_model_that_names_more_of_mlflow_is_loaded_by_mlflow(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    fitted = LinearRegression().fit(FRAME, FRAME["a"])
    how = {"serialization_format": "cloudpickle", "pip_requirements": ["scikit-learn"]}
    mlflow.sklearn.save_model(fitted, inner, **how)

    folder = save(tmp_path / "model", models.Wrapped(), artifacts={"inner": str(inner)})
    info = read_mlmodel(folder).info
    assert info.options["has_mlflow"] is True
    judge = mlflow.pyfunc.load_model(str(folder))
    import_ahead(info)
    ours = load_model(folder, info)
    assert outcome(ours.predict, FRAME, None) == outcome(judge.predict, FRAME, None)


def test_mlflow_that_a_package_brought_along_loads_the_model(tmp_path: Path) -> None:
    folder = save(tmp_path / "model", models.WithoutContext())
    info = read_mlmodel(folder).info
    assert info.options["has_mlflow"] is False
    ours = load_model(folder, info)  # in this process MLflow itself is there
    assert isinstance(ours.model.python_model, mlflow.pyfunc.PythonModel)
    assert outcome(ours.predict, FRAME, None) == repr((FRAME * 2).to_dict())


def test_a_function_is_loaded_with_the_signature_in_its_pickle(tmp_path: Path) -> None:
    signature = infer_signature(FRAME, FRAME, params={"k": 1.0})
    twins = Twins(save(tmp_path / "model", models.doubled, signature=signature))
    theirs, ours = twins.answers(FRAME)
    assert ours == theirs
    assert twins.info.options["has_mlflow"] is False


def test_a_subclass_may_do_without_the_checks_of_its_hints() -> None:
    with without_mlflow({}):
        from mlflow.pyfunc import PythonModel

        class Unchecked(PythonModel):
            _skip_type_hint_validation = True

            def predict(self, model_input: list[int]):
                return model_input

        class Inherits(Unchecked):
            pass

    assert Inherits().predict(["text"]) == ["text"]


def test_where_mlflow_is_not_installed_our_modules_take_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "mlflow" else found(name)
    )
    for name in [name for name in sys.modules if name.partition(".")[0] == "mlflow"]:
        monkeypatch.delitem(sys.modules, name)
    assert make_importable()
    assert make_importable()
    import mlflow.exceptions as placed

    assert placed.MlflowException.__module__ == "handler.pythonmodels.exceptions"
    for name in [name for name in sys.modules if name.partition(".")[0] == "mlflow"]:
        del sys.modules[name]


def test_libraries_find_a_spec_for_what_stands_in_for_mlflow() -> None:
    with without_mlflow({}):
        import_ahead(read_mlmodel(Path("tests/parity/contract/recorded/models/pyfunc_types")).info)
        assert importlib.util.find_spec("mlflow") is not None
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("mlflow.sklearn")
