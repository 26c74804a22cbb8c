"""A model in a process of its own answers as in the handler's; here both have the same Python."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handler.errors import HandlerError, ModelLoadError
from handler.loaders.load import load_model
from handler.loaders.own_python import OwnPythonPredictor
from handler.manifest import MODEL_PYTHON_VARIABLE, ModelInfo
from handler.requests.scorer import Scorer
from packager.model.mlmodel import read_mlmodel
from tests.support.commands import ROOT, THIS_PYTHON

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mlflow.pyfunc
    from mlflow.exceptions import MlflowException
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

pytestmark = pytest.mark.filterwarnings("ignore")

SIGNATURE = ModelSignature(
    Schema([ColSpec("string", "do"), ColSpec("double", "x", required=False)]),
    params=ParamSchema([ParamSpec("k", "long", 1)]),
)
MODEL = """
import os, sys, helper
from mlflow.exceptions import MlflowException
class Model:
    def predict(self, data, params=None):
        print("said on standard output")
        do = data["do"].iloc[0]
        if do == "raise":
            raise ValueError("secret data")
        if do == "refuse":
            raise MlflowException.invalid_parameter_value("not that", row=3)
        if do == "exit":
            sys.exit(3)
        if do == "die":
            os._exit(5)
        if do == "set":
            return {1, 2}
        return data.assign(x=data["x"] * params["k"], by=helper.NAME)
def _load_pyfunc(path):
    if os.path.exists(os.path.join(path, "broken")):
        import module_that_is_not_there
    return Model()
"""


def ask(scorer: Scorer, do: str, **more: Any) -> tuple[int, bytes]:
    """Return status and body of the answer."""
    records = [{"do": do, "x": 1.5}, {"do": do, "x": None}]
    body = json.dumps({"dataframe_records": records} | more).encode()
    try:
        return 200, scorer.score(body, "application/json").body
    except HandlerError as error:
        return error.status, error.to_json()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with modules of its own; its helper has the name of a file beside the worker."""
    place = tmp_path_factory.mktemp("own")
    (place / "the_loader.py").write_text(MODEL)
    (place / "helper.py").write_text("import values\nNAME = values.NAME")
    (place / "values.py").write_text("NAME = 'the model\\'s own'")
    (place / "data").mkdir()
    (place / "data" / "x").write_text("")
    names = ("the_loader.py", "helper.py", "values.py")
    sys.path.insert(0, str(place))
    mlflow.pyfunc.save_model(
        place / "model",
        loader_module="the_loader",
        data_path=str(place / "data"),
        code_paths=[str(place / name) for name in names],
        signature=SIGNATURE,
        pip_requirements=["pandas"],
    )
    sys.path.remove(str(place))
    return place / "model"


@pytest.fixture(autouse=True)
def _python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODEL_PYTHON_VARIABLE, sys.executable)


@pytest.fixture(scope="module")
def info(folder: Path) -> ModelInfo:
    return replace(read_mlmodel(folder).info, own_python=THIS_PYTHON)


@pytest.fixture(scope="module")
def scorer(folder: Path, info: ModelInfo) -> Iterator[Scorer]:
    """One process for all tests: MLflow takes seconds to import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MODEL_PYTHON_VARIABLE, sys.executable)
        predictor = load_model(folder, info)
    assert isinstance(predictor, OwnPythonPredictor)
    yield Scorer(predictor, info)
    predictor.close()


def test_it_answers_as_in_the_handlers_own_process(
    folder: Path, info: ModelInfo, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    plain = replace(info, own_python=None)
    same = Scorer(load_model(folder, plain), plain)

    for do in ("predict", "raise", "refuse"):
        assert ask(scorer, do, params={"k": 3}) == ask(same, do, params={"k": 3})
    assert ask(scorer, "predict", params={"k": "x"}) == ask(same, "predict", params={"k": "x"})
    assert ask(scorer, "set")[0] == ask(same, "set")[0] == 500


def test_params_and_code_reach_the_model(scorer: Scorer) -> None:
    status, body = ask(scorer, "predict", params={"k": 3})
    assert status == 200
    first = json.loads(body)["predictions"][0]
    assert first == {"do": "predict", "x": 4.5, "by": "the model's own"}


def test_a_refusal_keeps_the_models_words_and_status(scorer: Scorer) -> None:
    status, body = ask(scorer, "refuse")
    answer = json.loads(body)
    assert (status, answer["message"], answer["row"]) == (400, "not that", 3)
    assert answer["error_code"] == MlflowException.invalid_parameter_value("").error_code


def test_a_process_that_dies_is_the_functions_fault_and_the_next_request_has_another(
    scorer: Scorer,
) -> None:
    status, body = ask(scorer, "die")
    assert status == 500
    assert b"ended (status 5)" in body
    assert ask(scorer, "predict")[0] == 200


def test_a_process_that_is_killed_between_requests_is_started_anew(scorer: Scorer) -> None:
    predictor: Any = scorer._predictor
    os.kill(predictor.pid, signal.SIGKILL)
    while ask(scorer, "predict")[0] == 500:  # killed, but not yet ended
        pass
    assert ask(scorer, "predict")[0] == 200


def test_a_model_that_calls_exit_does_not_end_its_process(scorer: Scorer) -> None:
    predictor: Any = scorer._predictor
    first = predictor.pid
    assert ask(scorer, "exit")[0] == 400
    assert predictor.pid == first


def test_requests_of_several_threads_get_their_own_answers(scorer: Scorer) -> None:
    answers: dict[int, bytes] = {}

    def run(k: int) -> None:
        answers[k] = ask(scorer, "predict", params={"k": k})[1]

    threads = [threading.Thread(target=run, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {k: json.loads(body)["predictions"][0]["x"] for k, body in answers.items()}
    assert found == {k: 1.5 * k for k in range(8)}


def test_a_missing_module_is_named_as_in_the_handlers_process(
    folder: Path, info: ModelInfo, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model" / info.data_path / "broken").write_text("")
    with pytest.raises(ModelLoadError, match="needs the module 'module_that_is_not_there'"):
        load_model(tmp_path / "model", info)


def test_a_python_that_is_not_there_is_said(
    folder: Path, info: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MODEL_PYTHON_VARIABLE)
    with pytest.raises(ModelLoadError, match=r"own Python cannot be started.*python2\.9"):
        load_model(folder, replace(info, own_python="2.9"))


def test_a_process_that_is_no_worker_is_said(
    folder: Path, info: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MODEL_PYTHON_VARIABLE, "/bin/false")
    with pytest.raises(ModelLoadError, match=r"ended \(status 1\) while it loaded"):
        load_model(folder, info)


ASKING = """
import json, os, sys
from dataclasses import replace
from pathlib import Path
from handler.errors import HandlerError
from handler.loaders.load import load_model
from handler.requests.scorer import Scorer
from packager.model.mlmodel import read_mlmodel
folder = Path(sys.argv[1])
info = replace(read_mlmodel(folder).info, own_python=sys.argv[2])
predictor = load_model(folder, info)
print(predictor.pid)
try:
    Scorer(predictor, info).score(sys.argv[3].encode(), "application/json")
except HandlerError as error:
    print(error.message, flush=True)
os._exit(9)
"""


def test_what_it_prints_and_raises_goes_to_the_log_and_it_ends_with_who_asks(
    folder: Path,
) -> None:
    request = json.dumps({"dataframe_records": [{"do": "raise"}]})
    done = subprocess.run(
        [sys.executable, "-c", ASKING, str(folder), THIS_PYTHON, request],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 9, done.stderr
    pid, message = done.stdout.splitlines()
    assert message == "The model raised ValueError for this data. The function's log says where."
    assert "ValueError: secret data" in done.stderr
    assert "said on standard output" in done.stderr
    status = Path(f"/proc/{pid}/stat")
    while status.exists() and ") Z" not in status.read_text():
        time.sleep(0.01)
