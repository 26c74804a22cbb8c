"""What an MLmodel file says of a Python model of the user's own."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml

from handler.manifest import ModelInfo
from packager.errors import MLmodelInvalid
from packager.model.flavors.table import find_flavor, flavor_named
from packager.model.mlflow_use import why_mlflow
from packager.model.mlmodel import read_mlmodel
from packager.requirements.select import inference_requirements

FROM_CODE = {
    "loader_module": "mlflow.pyfunc.loaders.code_model",
    "model_code_path": "/home/me/model.py",
}
SOURCE = "from mlflow.models import set_model\nset_model(len)\n"


def write(folder: Path, pyfunc: dict[str, Any], source: str = SOURCE, **document: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "model.py").write_text(source)
    (folder / "requirements.txt").write_text("pandas\n")
    document["flavors"] = {"python_function": pyfunc}
    (folder / "MLmodel").write_text(yaml.safe_dump(document))
    return folder


def read(folder: Path) -> ModelInfo:
    return read_mlmodel(folder).info


def test_code_is_found_by_the_name_of_its_file(tmp_path: Path) -> None:
    info = read(write(tmp_path, FROM_CODE))
    assert (info.data_path, info.serialization_format) == ("model.py", "code")
    assert info.logged_executes_code
    assert [file.path for file in info.files] == ["MLmodel", "model.py"]
    assert flavor_named("python_function").warnings(info) == []


@pytest.mark.parametrize("place", [r"C:\Users\someone\shop", r"\\server\share", "C:/Users/a b"])
def test_code_and_artifacts_that_were_logged_on_windows_are_found(
    tmp_path: Path, place: str
) -> None:
    pyfunc = {"model_code_path": rf"{place}\model.py", "artifacts": {"a": {"path": r"artifacts\a"}}}
    folder = write(tmp_path, FROM_CODE | pyfunc)
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / "a").write_text("x")

    info = read(folder)

    assert info.data_path == "model.py"
    assert info.options["artifacts"] == {"a": "artifacts/a"}
    assert [file.path for file in info.files] == ["MLmodel", "artifacts/a", "model.py"]


def test_what_needs_mlflow_is_told_with_its_cost(tmp_path: Path) -> None:
    info = read(write(tmp_path, FROM_CODE, "import mlflow\n\nmlflow.autolog()\n"))
    flavor = flavor_named("python_function")
    assert flavor.needs_mlflow(info)
    (warning,) = flavor.warnings(info)
    assert "model.py names mlflow.autolog in line 3" in warning
    assert "23 MB more" in warning


@pytest.mark.parametrize("kind", ["chat_model", "chat_agent", "responses_agent"])
def test_chats_need_mlflow(tmp_path: Path, kind: str) -> None:
    pyfunc = {**FROM_CODE, "loader_module": f"mlflow.pyfunc.loaders.{kind}"}
    assert read(write(tmp_path, pyfunc)).options["has_mlflow"]


@pytest.mark.parametrize(
    "loader", ["my_loader", "my.package", "mlflow_sharp", "mlflow.pyfunc.model"]
)
def test_python_models_and_loaders_that_are_not_mlflows_are_taken(loader: str) -> None:
    flavor = find_flavor(loader)
    assert flavor is not None
    assert flavor.name == "python_function"


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"predict_fn": "not a name"}, "predict_fn"),
        ({"artifacts": {"a": "no mapping"}}, "artifacts"),
        ({"artifacts": ["a"]}, "artifacts"),
        ({"artifacts": {"a": {"path": "../a"}}}, r"\.\./a"),
        ({"config": "config.yaml"}, "config"),
        ({"python_model_compression": "zip"}, "python_model_compression"),
        ({"model_code_path": None}, "names no model"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, wrong: dict[str, Any], complaint: str) -> None:
    folder = write(tmp_path, {**FROM_CODE, **wrong})
    with pytest.raises(MLmodelInvalid, match=complaint):
        read(folder)


@pytest.mark.parametrize(
    ("example", "saved", "kind"),
    [
        (["a", 1, 2.5, True], {}, "list"),
        ([{"a": 1}], {}, "records"),
        ([["a"]], {}, "records"),
        ({"inputs": ["a"], "params": {"k": 1}}, {"params": "true"}, "list"),
        ({"a": 1}, {}, None),
        (["a"], {"type": "dataframe"}, None),
        (["a"], {"artifact_path": "missing.json"}, None),
    ],
)
def test_the_kind_of_the_example_is_read_for_a_model_that_wants_the_same(
    tmp_path: Path, example: Any, saved: dict[str, str], kind: str | None
) -> None:
    (tmp_path / "example.json").write_text(json.dumps(example))
    saved = {"type": "json_object", "artifact_path": "example.json", **saved}
    document: dict[str, Any] = {"saved_input_example_info": saved}
    info = read(write(tmp_path, FROM_CODE, type_hint_from_example=True, **document))
    assert info.options["example"] == kind
    assert read(write(tmp_path, FROM_CODE, **document)).options["example"] is None


def test_a_large_array_in_a_pickle_is_read_past(tmp_path: Path) -> None:
    """Of more bytes than are read at once: as bytes, and as a bytearray, which numpy writes."""
    large, harmless = b"mlflo" + bytes((1 << 24) + 1), "mlflow.pyfunc.utils"
    for content, needs_mlflow in ((large, False), (large + b"mlflow", True)):
        for value in (content, bytearray(content)):
            (tmp_path / "model.pkl").write_bytes(pickle.dumps([value, harmless]))
            assert (why_mlflow(tmp_path, ["model.pkl"]) is not None) == needs_mlflow


@pytest.mark.parametrize(
    ("recorded", "version", "added"),
    [
        ("mlflow==3.18.0", "3.1.2", ["cloudpickle==3.1.2"]),
        ("mlflow==3.18.0", None, ["cloudpickle"]),
        ("cloudpickle==3.0.0", "3.1.2", []),
    ],
)
def test_cloudpickle_comes_along_where_only_mlflow_had_required_it(
    tmp_path: Path, recorded: str, version: str | None, added: list[str]
) -> None:
    pyfunc = {
        "loader_module": "mlflow.pyfunc.model",
        "python_model": "python_model.pkl",
        "cloudpickle_version": version,
    }
    (tmp_path / "python_model.pkl").write_bytes(pickle.dumps(1))
    folder = write(tmp_path, pyfunc)
    (folder / "requirements.txt").write_text(f"{recorded}\n")
    found = inference_requirements(read_mlmodel(folder))
    assert [addition.requirement for addition in found.added] == added
