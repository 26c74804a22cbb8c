"""Reading MLflow model folders, good and broken."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from packager.errors import MLmodelInvalid, MLmodelNotFound, ModelNotServable
from packager.model.mlmodel import MAX_EXAMPLE_BYTES, read_mlmodel

INPUTS = [{"type": "double", "name": "x", "required": True}]
PYFUNC: dict[str, Any] = {
    "loader_module": "mlflow.sklearn",
    "model_path": "model.skops",
    "predict_fn": "predict_proba",
    "python_version": "3.11.7",
}
SKLEARN: dict[str, Any] = {
    "pickled_model": "model.skops",
    "serialization_format": "skops",
    "skops_trusted_types": ["sklearn.tree._tree.Tree"],
}
DOCUMENT: dict[str, Any] = {
    "flavors": {"python_function": PYFUNC, "sklearn": SKLEARN},
    "mlflow_version": "3.18.0",
    "model_id": "m-1",
    "run_id": "r-1",
    "saved_input_example_info": {
        "artifact_path": "input_example.json",
        "serving_input_path": "serving_input_example.json",
        "type": "dataframe",
    },
    "signature": {"inputs": json.dumps(INPUTS), "outputs": None, "params": None},
    "a_key_of_a_later_version": {"x": 1},
}
EXAMPLE = {"dataframe_split": {"columns": ["x"], "data": [[1.5]]}}


def write_model(folder: Path, document: dict[str, Any] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "MLmodel").write_text(yaml.safe_dump(document or DOCUMENT))
    (folder / "model.skops").write_bytes(b"skops")
    (folder / "requirements.txt").write_text("# from MLflow\nmlflow==3.18.0\n\nskops==0.16.0\n")
    (folder / "python_env.yaml").write_text("python: 3.12.1\ndependencies: [-r requirements.txt]\n")
    (folder / "serving_input_example.json").write_text(json.dumps(EXAMPLE))
    return folder


def changed(
    *, pyfunc: dict[str, Any] | None = None, sklearn: dict[str, Any] | None = None, **top: Any
) -> dict[str, Any]:
    flavors = {
        "python_function": {**PYFUNC, **(pyfunc or {})},
        "sklearn": {**SKLEARN, **(sklearn or {})},
    }
    return {**DOCUMENT, "flavors": flavors, **top}


def test_a_model_as_mlflow_logs_it_is_read_in_full(tmp_path: Path) -> None:
    spec = read_mlmodel(write_model(tmp_path))
    assert spec.info.flavor == "sklearn"
    assert spec.info.data_path == "model.skops"
    assert spec.info.serialization_format == "skops"
    assert spec.info.predict_fn == "predict_proba"
    assert spec.info.trusted_types == ("sklearn.tree._tree.Tree",)
    assert spec.info.signature == {"inputs": INPUTS, "outputs": None, "params": None}
    assert spec.info.input_example == EXAMPLE
    assert (spec.info.model_id, spec.info.run_id) == ("m-1", "r-1")
    assert spec.info.mlflow_version == "3.18.0"
    assert spec.python_version == "3.12.1"
    assert spec.requirements == ("mlflow==3.18.0", "skops==0.16.0")
    assert not spec.info.executes_code


def test_a_signature_from_a_type_hint_is_told_apart(tmp_path: Path) -> None:
    hinted = changed(is_signature_from_type_hint=True)

    assert not read_mlmodel(write_model(tmp_path / "a")).info.is_signature_from_type_hint
    assert read_mlmodel(write_model(tmp_path / "b", hinted)).info.is_signature_from_type_hint


def test_only_files_that_inference_needs_are_pinned(tmp_path: Path) -> None:
    folder = write_model(tmp_path, changed(pyfunc={"code": "code"}))
    (folder / "registered_model_meta").write_text("model_name: X\n")
    (folder / "code" / "lib" / "__pycache__").mkdir(parents=True)
    (folder / "code" / "lib" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"x")
    (folder / "code" / "lib" / "a.py").write_text("x = 1\n")
    files = read_mlmodel(folder).info.files
    assert [entry.path for entry in files] == ["MLmodel", "code/lib/a.py", "model.skops"]
    assert files[2].size_bytes == 5
    assert files[2].sha256 == hashlib.sha256(b"skops").hexdigest()


def test_modules_beside_a_safe_file_execute_code(tmp_path: Path) -> None:
    folder = write_model(tmp_path, changed(pyfunc={"code": "code"}))
    (folder / "code").mkdir()
    spec = read_mlmodel(folder)
    assert spec.info.code_path == "code"
    assert spec.info.executes_code


@pytest.mark.parametrize("name", ["handler/__init__.py", "handler.py"])
def test_modules_that_would_hide_the_handler_are_refused(tmp_path: Path, name: str) -> None:
    folder = write_model(tmp_path, changed(pyfunc={"code": "code"}))
    (folder / "code" / name).parent.mkdir(parents=True)
    (folder / "code" / name).write_text("")
    with pytest.raises(MLmodelInvalid, match="the name of the function's own package"):
        read_mlmodel(folder)


@pytest.mark.parametrize(
    ("written", "read"), [("pickle", "pickle"), ("cloudpickle", "cloudpickle"), (None, "pickle")]
)
def test_a_pickle_executes_code(tmp_path: Path, written: str | None, read: str) -> None:
    sklearn = {"pickled_model": "model.skops"} | (
        {"serialization_format": written} if written else {}
    )
    document = {**DOCUMENT, "flavors": {"python_function": PYFUNC, "sklearn": sklearn}}
    spec = read_mlmodel(write_model(tmp_path, document))
    assert spec.info.serialization_format == read
    assert spec.info.executes_code


def test_a_file_of_mlflow_1_is_read(tmp_path: Path) -> None:
    document = {
        "artifact_path": "model",
        "flavors": {
            "python_function": {
                "env": "conda.yaml",
                "loader_module": "mlflow.sklearn",
                "model_path": "model.pkl",
                "python_version": "3.8.10",
            },
            "sklearn": {"pickled_model": "model.pkl", "serialization_format": "cloudpickle"},
        },
        "saved_input_example_info": {
            "artifact_path": "input_example.json",
            "pandas_orient": "split",
            "type": "dataframe",
        },
        "signature": {"inputs": '[{"name": "x", "type": "double"}]', "outputs": None},
    }
    (tmp_path / "MLmodel").write_text(yaml.safe_dump(document))
    (tmp_path / "model.pkl").write_bytes(b"x")
    (tmp_path / "input_example.json").write_text('{"columns": ["x"], "data": [[NaN]]}')
    (tmp_path / "conda.yaml").write_text(
        "dependencies:\n- python=3.8.10\n- pip\n- pip:\n  - mlflow<2\n  - scikit-learn==0.24\n"
    )
    spec = read_mlmodel(tmp_path)
    assert spec.python_version == "3.8.10"
    assert spec.requirements == ("mlflow<2", "scikit-learn==0.24")
    assert spec.info.predict_fn == "predict"
    assert spec.info.model_id is None
    assert spec.info.signature is not None
    assert spec.info.signature["params"] is None
    assert spec.info.input_example == {"dataframe_split": {"columns": ["x"], "data": [[None]]}}


def test_an_array_example_without_a_serving_example_becomes_inputs(tmp_path: Path) -> None:
    info = {"artifact_path": "input_example.json", "type": "ndarray"}
    folder = write_model(tmp_path, changed(saved_input_example_info=info))
    (folder / "input_example.json").write_text("[[1.0, 2.0]]")
    assert read_mlmodel(folder).info.input_example == {"inputs": [[1.0, 2.0]]}


def test_the_python_version_falls_back_to_flavor_then_conda(tmp_path: Path) -> None:
    folder = write_model(tmp_path, changed(pyfunc={"python_version": None}))
    (folder / "conda.yaml").write_text("dependencies:\n- python=3.13.2\n")
    assert read_mlmodel(folder).python_version == "3.12.1"
    (folder / "python_env.yaml").unlink()
    assert read_mlmodel(folder).python_version == "3.13.2"
    (folder / "conda.yaml").unlink()
    assert read_mlmodel(folder).python_version is None


def test_a_model_without_signature_and_example_is_read(tmp_path: Path) -> None:
    document = changed(signature=None, saved_input_example_info=None)
    info = read_mlmodel(write_model(tmp_path, document)).info
    assert (info.signature, info.input_example) == (None, None)


def test_a_missing_example_file_is_no_problem(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    (folder / "serving_input_example.json").unlink()
    assert read_mlmodel(folder).info.input_example is None


def test_a_large_example_stays_out_of_the_manifest(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    rows = {"inputs": [[0.5] * 100] * (MAX_EXAMPLE_BYTES // 100)}
    (folder / "serving_input_example.json").write_text(json.dumps(rows))
    assert read_mlmodel(folder).info.input_example is None


def test_requirement_lines_lose_comments_and_line_breaks(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    (folder / "requirements.txt").write_text(
        "numpy==2.2.6 # pinned\n  # alone\npandas==2.3.2 \\\n    --hash=sha256:ab\n"
        "x @ git+ssh://host/x#egg=x\n"
    )
    assert read_mlmodel(folder).requirements == (
        "numpy==2.2.6",
        "pandas==2.3.2      --hash=sha256:ab",
        "x @ git+ssh://host/x#egg=x",
    )


def test_no_mlmodel_file_is_an_error_that_names_a_model_below(tmp_path: Path) -> None:
    with pytest.raises(MLmodelNotFound, match=str(tmp_path)):
        read_mlmodel(tmp_path)
    write_model(tmp_path / "model")
    with pytest.raises(MLmodelNotFound) as raised:
        read_mlmodel(tmp_path)
    assert raised.value.hint == f"Did you mean {tmp_path / 'model'}?"


@pytest.mark.parametrize(
    "content",
    [b"flavors: [", b"- a\n- b\n", b"\xff\xfe\x00", b"flavors: 3\n", b"flavors: {sklearn: x}"],
)
def test_a_broken_mlmodel_file_is_named(tmp_path: Path, content: bytes) -> None:
    write_model(tmp_path)
    (tmp_path / "MLmodel").write_bytes(content)
    with pytest.raises(MLmodelInvalid, match=str(tmp_path / "MLmodel")):
        read_mlmodel(tmp_path)


def test_yaml_that_would_build_objects_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path)
    (tmp_path / "MLmodel").write_text("!!python/object/apply:os.system ['touch ran']\n")
    with pytest.raises(MLmodelInvalid):
        read_mlmodel(tmp_path)


BROKEN: list[tuple[dict[str, Any], str]] = [
    (changed(pyfunc={"model_path": None}, sklearn={"pickled_model": None}), "no model_path"),
    (changed(pyfunc={"model_path": "../x.skops"}), "not a path inside"),
    (changed(pyfunc={"model_path": "/etc/passwd"}), "not a path inside"),
    (changed(pyfunc={"model_path": "."}), "not a path inside"),
    (changed(pyfunc={"model_path": "folder"}), "is a folder"),
    (changed(pyfunc={"predict_fn": "__import__('os')"}), "not a method name"),
    (changed(pyfunc={"code": ["a"]}), "code is"),
    (changed(sklearn={"serialization_format": "marshal"}), "unknown serialization_format"),
    (changed(sklearn={"skops_trusted_types": "os.system"}), "skops_trusted_types"),
    (changed(signature="[]"), "'signature' is not a mapping"),
    (changed(signature={"inputs": "{"}), "signature.inputs is not"),
    (changed(signature={"inputs": "[]", "params": '["x"]'}), "signature.params is not"),
    (changed(model_id=3), "model_id is 3"),
]


@pytest.mark.parametrize(("document", "issue"), BROKEN)
def test_a_wrong_entry_is_named(tmp_path: Path, document: dict[str, Any], issue: str) -> None:
    folder = write_model(tmp_path, document)
    (folder / "folder").mkdir()
    with pytest.raises(MLmodelInvalid, match=issue):
        read_mlmodel(folder)


def test_all_problems_are_listed_at_once(tmp_path: Path) -> None:
    document = changed(
        pyfunc={"predict_fn": "no name"},
        sklearn={"serialization_format": "x"},
        signature=1,
        run_id=1,
    )
    folder = write_model(tmp_path, document)
    (folder / "python_env.yaml").write_text("python: three\n")
    (folder / "serving_input_example.json").write_text("{")
    with pytest.raises(MLmodelInvalid) as raised:
        read_mlmodel(folder)
    assert len(raised.value.issues) == 6


@pytest.mark.parametrize("name", ["python_env.yaml", "conda.yaml", "requirements.txt"])
def test_a_broken_environment_file_is_named(tmp_path: Path, name: str) -> None:
    folder = write_model(tmp_path, changed(pyfunc={"python_version": None}))
    (folder / "python_env.yaml").unlink()
    (folder / name).write_bytes(b"\xff\xfe[")
    with pytest.raises(MLmodelInvalid, match=name):
        read_mlmodel(folder)


def test_an_environment_file_that_is_a_list_is_named(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    (folder / "python_env.yaml").write_text("- python\n")
    with pytest.raises(MLmodelInvalid, match="python_env"):
        read_mlmodel(folder)


@pytest.mark.parametrize("name", ["model.skops", "code", "code/a.py"])
def test_symbolic_links_are_refused(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = write_model(tmp_path / "model", changed(pyfunc={"code": "code"}))
    link = folder / name
    if name != "code":
        (folder / "code").mkdir()
    link.unlink(missing_ok=True)
    link.symlink_to(outside)
    with pytest.raises(MLmodelInvalid, match=name):
        read_mlmodel(folder)


@pytest.mark.parametrize(
    ("flavors", "named"),
    [
        ({"python_function": {}}, "loader_module is None"),
        ({"python_function": {"loader_module": ["a"]}}, "not the name of a module"),
    ],
)
def test_a_model_without_loader_is_refused(
    tmp_path: Path, flavors: dict[str, Any], named: str
) -> None:
    folder = write_model(tmp_path, {**DOCUMENT, "flavors": flavors})
    with pytest.raises(MLmodelInvalid, match=named):
        read_mlmodel(folder)


@pytest.mark.parametrize(
    ("flavors", "said", "way"),
    [
        ({"sklearn": SKLEARN}, "has no method `predict`", 'pyfunc_predict_fn="transform"'),
        ({"spark": {}}, r"its flavors: spark\)", "mlflow.pyfunc.log_model"),
        ({}, r"its flavors: none\)", "mlflow.pyfunc.log_model"),
    ],
)
def test_a_valid_model_that_cannot_predict_is_said_to_be_one_with_the_way_out(
    tmp_path: Path, flavors: dict[str, Any], said: str, way: str
) -> None:
    folder = write_model(tmp_path, {**DOCUMENT, "flavors": flavors})

    with pytest.raises(ModelNotServable, match=said) as raised:
        read_mlmodel(folder)

    assert way in str(raised.value.hint)


@pytest.mark.parametrize("code", [".", "./"])
def test_modules_beside_the_model_are_its_code_and_each_file_counts_once(
    tmp_path: Path, code: str
) -> None:
    folder = write_model(tmp_path, changed(pyfunc={"code": code}))
    (folder / "shop.py").write_text("")
    (folder / "lib").mkdir()
    (folder / "lib" / "a.py").write_text("x = 1\n")
    (folder / ".git").mkdir()
    (folder / ".git" / "model.skops").write_bytes(b"skops")

    info = read_mlmodel(folder).info

    assert info.code_path == "."
    assert [entry.path for entry in info.files] == ["MLmodel", "lib/a.py", "model.skops", "shop.py"]


def test_paths_that_were_written_on_windows_are_read(tmp_path: Path) -> None:
    document = changed(pyfunc={"model_path": "data\\model.skops", "code": "my\\code"})
    folder = write_model(tmp_path, document)
    (folder / "data").mkdir()
    (folder / "model.skops").rename(folder / "data" / "model.skops")
    (folder / "my" / "code").mkdir(parents=True)

    info = read_mlmodel(folder).info

    assert (info.data_path, info.code_path) == ("data/model.skops", "my/code")
