"""What `packager inspect` says of models and bundles."""

import json
import pickle
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from handler.manifest import (
    MANIFEST_NAME,
    BundleManifest,
    FileEntry,
    ModelInfo,
    PackageEntry,
    TargetInfo,
)
from packager.cli.main import cli
from packager.support.digests import hash_file
from tests.packager.model.test_mlmodel import EXAMPLE, INPUTS, changed, write_model

SHA = "0" * 64


def inspect(*args: object) -> Result:
    return CliRunner().invoke(cli, ["inspect", *map(str, args)])


def write_bundle(folder: Path, *, model_source: str = "s3", code: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "function.zip").write_bytes(b"zip")
    entry = FileEntry("function.zip", 3, hash_file(folder / "function.zip"))
    files = (FileEntry("MLmodel", 10, SHA), FileEntry("model.skops", 1_000_000, SHA))
    manifest = BundleManifest(
        packager_version="0.1.0",
        target=TargetInfo("python3.11", "arm64"),
        model=ModelInfo("sklearn", "model.skops", "skops", files=files, logged_executes_code=code),
        model_source="s3" if model_source == "s3" else "embedded",
        model_archive=None,
        packages=(PackageEntry("numpy", "2.2.6"),),
        artifacts=(entry,),
    )
    (folder / MANIFEST_NAME).write_text(manifest.to_json())
    return folder


def test_a_model_is_shown_with_all_that_matters(tmp_path: Path) -> None:
    done = inspect(write_model(tmp_path))
    assert done.exit_code == 0, done.output
    for text in (
        "sklearn, predicts with predict_proba()",
        "skops: loading it executes no code",
        "sklearn.tree._tree.Tree",
        "x: double",
        '{"dataframe_split": {"columns": ["x"]',
        "3.12.1: built for python3.12",
        "skops==0.16.0",
        "mlflow==3.18.0: the handler speaks",
        hash_file(tmp_path / "model.skops"),
    ):
        assert text in done.stdout
    assert done.stderr == ""


def test_json_is_one_document_with_the_same_facts(tmp_path: Path) -> None:
    done = inspect(write_model(tmp_path), "--json")
    document = json.loads(done.stdout)
    assert document["kind"] == "model"
    assert document["flavor"] == "sklearn"
    assert document["executes_code"] is False
    assert document["signature"]["inputs"] == INPUTS
    assert document["input_example"] == EXAMPLE
    assert document["runtime"] == "python3.12"
    assert document["requirements"] == ["skops==0.16.0"]
    assert [drop["requirement"] for drop in document["dropped"]] == ["mlflow==3.18.0"]
    assert [entry["path"] for entry in document["files"]] == ["MLmodel", "model.skops"]
    assert document["size_bytes"] == sum(entry["size_bytes"] for entry in document["files"])


def test_a_pickle_is_shown_with_a_warning(tmp_path: Path) -> None:
    document = changed(sklearn={"serialization_format": "pickle"}, signature=None)
    done = inspect(write_model(tmp_path, document))
    assert "pickle: loading it executes code" in done.stdout
    assert "signature     none" in done.stdout
    assert "warning: loading this model executes code" in done.stderr


def test_params_tensors_and_optional_columns_are_spelled_out(tmp_path: Path) -> None:
    inputs = [
        {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}},
        {"type": "long", "name": "age", "required": False},
    ]
    params = [{"name": "k", "type": "double", "default": 0.5, "shape": None}]
    signature = {"inputs": json.dumps(inputs), "params": json.dumps(params)}
    done = inspect(write_model(tmp_path, changed(signature=signature)))
    assert "float64 (-1, 4)" in done.stdout
    assert "age: long (optional)" in done.stdout
    assert "k: double = 0.5" in done.stdout


def test_a_bare_file_is_inspected_without_running_it(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"a": 1}))
    done = inspect(path, "--flavor", "sklearn", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["executes_code"] is True


def test_a_skops_model_that_wants_anything_trusted_is_not_called_harmless(tmp_path: Path) -> None:
    done = inspect(
        write_model(tmp_path, changed(sklearn={"skops_trusted_types": ["posix.system"]}))
    )
    assert "skops: loading it constructs what the trusted types name" in done.stdout


def test_a_bundle_is_shown_with_target_and_digests(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path)
    done = inspect(folder)
    assert done.exit_code == 0, done.output
    for text in ("python3.11 on arm64", "numpy==2.2.6", "1,000,000 B", "executes no code"):
        assert text in done.stdout
    assert hash_file(folder / "function.zip") in done.stdout
    document = json.loads(inspect(folder, "--json").stdout)
    assert document["kind"] == "bundle"
    assert document["target"] == {"runtime": "python3.11", "architecture": "arm64"}
    assert document["size_bytes"] == 1_000_010


def test_a_bundle_with_model_code_executes_code(tmp_path: Path) -> None:
    done = inspect(write_bundle(tmp_path, model_source="embedded", code=True), "--json")
    document = json.loads(done.stdout)
    assert document["executes_code"] is True
    assert document["model_source"] == "embedded"


def test_a_tampered_bundle_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path)
    (folder / "function.zip").write_bytes(b"ZIP")
    done = inspect(folder)
    assert done.exit_code == 1
    assert "differs from its digest" in done.stderr


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["nothing-here"], 1, "does not exist"),
        (["gs://bucket/model"], 1, "neither a path nor an address"),
        ([], 2, "MODEL|BUNDLE"),
    ],
)
def test_what_cannot_be_inspected_is_one_line(args: list[str], code: int, said: str) -> None:
    done = inspect(*args)
    assert done.exit_code == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
