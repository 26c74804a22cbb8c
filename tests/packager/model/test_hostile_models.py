"""MLmodel files that were written to do harm, or by hand and wrongly: a sentence, no traceback."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from handler.manifest import ModelInfo
from packager.errors import MLmodelInvalid
from packager.model.mlflow_use import why_mlflow
from packager.model.mlmodel import read_mlmodel

FROM_CODE = {
    "loader_module": "mlflow.pyfunc.loaders.code_model",
    "model_code_path": "model.py",
}
PICKLED = {"loader_module": "mlflow.pyfunc.model", "python_model": "python_model.pkl"}
NEEDS_MLFLOW = "import mlflow\nmlflow.autolog()\n"
# Values of YAML that PyYAML recognises, and then cannot make.
UNMADE = ["2024-13-45", "!!int ''", "!!bool x", "!!timestamp x", "[" * 3000 + "]" * 3000]
DEEP = "[" * 100_000


def write(folder: Path, flavors: dict[str, Any], **document: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "model.py").write_text("from mlflow.models import set_model\nset_model(len)\n")
    (folder / "python_model.pkl").write_bytes(b"\x80\x04N.")
    (folder / "requirements.txt").write_text("pandas\n")
    (folder / "folder").mkdir(exist_ok=True)
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors, **document}))
    return folder


def read(folder: Path, pyfunc: dict[str, Any], **document: Any) -> ModelInfo:
    return read_mlmodel(write(folder, {"python_function": pyfunc}, **document)).info


@pytest.mark.parametrize(
    "loader",
    [
        "mlflow.x\nResources:\n  Mine:\n    Type: AWS::IAM::Role",
        'mlflow.x"\nRUN touch /ran\n#',
        "mlflow.x: y",
        "mlflow.../../x",
        "mlflow.",
        "mlflow.x y",
        "",
        "own.loader\n",
    ],
)
def test_a_loader_that_is_no_modules_name_is_refused(tmp_path: Path, loader: str) -> None:
    with pytest.raises(MLmodelInvalid, match="not the name of a module"):
        read(tmp_path, {"loader_module": loader})


def test_nothing_outside_the_model_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "own.py").write_text(NEEDS_MLFLOW)
    folder = write(tmp_path / "model", {})
    (folder / "folder" / "linked.py").symlink_to(tmp_path / "outside" / "own.py")
    (folder / "folder" / "linked").symlink_to(tmp_path / "outside")
    (folder / "link").symlink_to(tmp_path / "outside")

    for name in (str(tmp_path / "outside"), "../outside", "folder", "link", "link/own.py"):
        assert why_mlflow(folder, [name]) is None
    assert why_mlflow(folder, [""]) is None
    (folder / "folder" / "own.py").write_text(NEEDS_MLFLOW)
    assert why_mlflow(folder, ["folder"]) == "folder/own.py names mlflow.autolog in line 2"


@pytest.mark.parametrize("path", ["/etc", "../outside"])
def test_an_artifact_elsewhere_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(MLmodelInvalid, match="is not a path inside the model folder"):
        read(tmp_path / "model", {**FROM_CODE, "artifacts": {"a": {"path": path}}})


@pytest.mark.parametrize("value", UNMADE)
@pytest.mark.parametrize("name", ["MLmodel", "python_env.yaml", "conda.yaml"])
def test_yaml_with_a_value_that_cannot_be_is_named(tmp_path: Path, name: str, value: str) -> None:
    folder = write(tmp_path, {"python_function": FROM_CODE})
    (folder / name).write_text(f"utc_time_created: {value}\n")
    with pytest.raises(MLmodelInvalid, match=f"{name} is not YAML|it is not YAML"):
        read_mlmodel(folder)


@pytest.mark.parametrize("compression", [[], {}, 3, False])
def test_a_compression_that_is_no_name_is_refused(tmp_path: Path, compression: Any) -> None:
    with pytest.raises(MLmodelInvalid, match="unknown python_model_compression"):
        read(tmp_path, {**PICKLED, "python_model_compression": compression})


@pytest.mark.parametrize(
    "saved",
    [
        5,
        ["x"],
        {"type": "json_object"},
        {"type": "json_object", "artifact_path": None},
        {"type": "json_object", "artifact_path": "list.json", "params": "true"},
        {"type": "json_object", "artifact_path": "no_inputs.json", "params": "true"},
        {"type": "json_object", "artifact_path": "folder"},
    ],
)
def test_an_example_that_does_not_tell_its_kind_is_none(tmp_path: Path, saved: Any) -> None:
    (tmp_path / "list.json").write_text('["a"]')
    (tmp_path / "no_inputs.json").write_text("{}")
    info = read(tmp_path, FROM_CODE, type_hint_from_example=True, saved_input_example_info=saved)
    assert info.options["example"] is None


def test_an_example_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "example.json").write_text('["a"]')
    saved = {"type": "json_object", "artifact_path": "../example.json"}
    with pytest.raises(MLmodelInvalid, match="not a path inside"):
        read(
            tmp_path / "model",
            FROM_CODE,
            type_hint_from_example=True,
            saved_input_example_info=saved,
        )


def test_a_folder_is_no_input_example(tmp_path: Path) -> None:
    info = read(tmp_path, FROM_CODE, saved_input_example_info={"serving_input_path": "folder"})
    assert info.input_example is None


def test_json_that_is_nested_too_deeply_is_named(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text(DEEP)
    saved = {"type": "json_object", "artifact_path": "deep.json"}
    with pytest.raises(MLmodelInvalid) as raised:
        read(
            tmp_path,
            FROM_CODE,
            type_hint_from_example=True,
            saved_input_example_info=saved,
            signature={"inputs": DEEP},
        )
    assert [issue.partition(" is not")[0] for issue in raised.value.issues] == [
        "signature.inputs",
        "input example deep.json",
    ]


@pytest.mark.parametrize("providers", [5, {"CPUExecutionProvider": {}}, True])
def test_providers_of_onnx_that_are_no_list_are_named(tmp_path: Path, providers: Any) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\x08\x07")
    section = {"data": "model.onnx", "providers": providers}
    flavors = {"python_function": {"loader_module": "mlflow.onnx"}, "onnx": section}
    with pytest.raises(MLmodelInvalid, match="which is no execution provider"):
        read_mlmodel(write(tmp_path, flavors))


@pytest.mark.parametrize(
    ("flavor", "section"),
    [
        ("catboost", {"model_type": "CatBoost", "save_format": "cbm"}),
        ("statsmodels", {}),
        ("prophet", {}),
        ("pmdarima", {}),
    ],
)
def test_a_folder_in_the_place_of_the_models_file_is_named(
    tmp_path: Path, flavor: str, section: dict[str, Any]
) -> None:
    pyfunc = {"loader_module": f"mlflow.{flavor}", "data": "folder"}
    with pytest.raises(MLmodelInvalid, match="folder is a folder, not a file"):
        read_mlmodel(write(tmp_path, {"python_function": pyfunc, flavor: section}))


@pytest.mark.parametrize(
    "pyfunc", [{**PICKLED, "python_model": "folder"}, {**FROM_CODE, "model_code_path": "a/folder"}]
)
def test_a_python_model_that_is_a_folder_is_named(tmp_path: Path, pyfunc: dict[str, Any]) -> None:
    with pytest.raises(MLmodelInvalid, match="folder is a folder, not a file"):
        read(tmp_path, pyfunc)


def test_a_python_model_without_a_name_is_named(tmp_path: Path) -> None:
    with pytest.raises(MLmodelInvalid, match="names no model"):
        read(tmp_path, {**FROM_CODE, "model_code_path": "/"})


def test_the_kind_of_example_and_the_weights_are_read_from_one_document(tmp_path: Path) -> None:
    (tmp_path / "example.json").write_text(json.dumps(["a"]))
    saved = {"type": "json_object", "artifact_path": "example.json"}
    flavors = {
        "python_function": {"loader_module": "mlflow.transformers"},
        "transformers": {"model_binary": "folder"},
    }
    folder = write(tmp_path, flavors, type_hint_from_example=True, saved_input_example_info=saved)
    options = read_mlmodel(folder).info.options
    assert (options["example"], options["is_offline"]) == ("list", True)
