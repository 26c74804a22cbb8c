"""Models from folders, MLflow's stores and S3."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from packager.errors import (
    ConfigError,
    MLmodelNotFound,
    ModelError,
    PackagerError,
    StorageError,
    ToolMissing,
)
from packager.model.mlmodel import read_mlmodel
from packager.sources.model_uri import open_model
from tests.conftest import only_one_worker

LOG_A_MODEL = """
    import json, sys, warnings
    warnings.simplefilter("ignore")
    import mlflow
    from mlflow import MlflowClient
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name="Churn",
            pip_requirements=["scikit-learn"],
            serialization_format="pickle",
        )
    MlflowClient().set_registered_model_alias("Churn", "champion", "1")
    print(json.dumps({"run_id": run.info.run_id, "model_id": info.model_id}))
"""


@dataclass(frozen=True)
class Store:
    """An MLflow tracking store on disk with one registered model."""

    uri: str
    run_id: str
    model_id: str


@pytest.fixture(scope="module")
def store(shared_folder: Path) -> Store:
    folder = shared_folder / "mlflow-store"
    folder.mkdir(exist_ok=True)
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    ids = folder / "ids.json"
    with only_one_worker(folder):
        if not ids.exists():
            log_a_model(folder, uri, ids)
    return Store(uri, **json.loads(ids.read_text()))


def log_a_model(folder: Path, uri: str, ids: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LOG_A_MODEL)],
        cwd=folder,
        env={**os.environ, "MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ids.write_text(done.stdout.splitlines()[-1])


@pytest.fixture
def tracking(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    return store


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "MLmodel").write_text(
        "flavors:\n"
        "  python_function: {loader_module: mlflow.sklearn, model_path: model.pkl}\n"
        "  sklearn: {serialization_format: pickle}\n"
    )
    (folder / "model.pkl").write_bytes(b"x")
    return folder


def refused(uri: str, **options: Any) -> PackagerError:
    """Open what cannot be opened; return the error."""
    with pytest.raises(PackagerError) as raised, open_model(uri, **options):
        pass
    assert "\n" not in str(raised.value)
    return raised.value


def test_a_folder_is_used_where_it_lies(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model.parent)
    for uri in (str(model), "model", "./model/", model.as_uri(), str(model / "MLmodel")):
        with open_model(uri) as folder:
            assert folder.resolve() == model
    assert (model / "MLmodel").is_file()


def test_a_folder_with_blanks_is_found_by_its_file_uri(model: Path) -> None:
    spaced = model.rename(model.parent / "my model")
    with open_model(spaced.as_uri()) as folder:
        assert folder == spaced


def test_a_mistyped_path_names_the_nearest_one(model: Path) -> None:
    error = refused(str(model.parent / "modle"))
    assert isinstance(error, ModelError)
    assert error.hint == f"Did you mean {model}?"
    assert "as far as" in (refused(str(model.parent / "a" / "b" / "c")).hint or "")
    assert "models:/NAME" in (refused(str(model.parent / "zzz")).hint or "")


def test_a_model_id_without_scheme_is_recognised(tmp_path: Path) -> None:
    name = "m-" + "0" * 32
    assert f"models:/{name}" in (refused(str(tmp_path / name)).hint or "")


@pytest.mark.parametrize("uri", ["gs://bucket/model", "https://host/model", "file://host/model"])
def test_an_address_that_cannot_be_read_is_refused(uri: str) -> None:
    error = refused(uri)
    assert isinstance(error, ModelError)
    assert uri in str(error)
    assert error.hint is not None


def test_a_bare_file_without_flavor_asks_for_it(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"x")
    error = refused(str(path))
    assert isinstance(error, ConfigError)
    assert error.hint == "Add --flavor sklearn, lightgbm, statsmodels or pmdarima."


def test_another_file_is_not_taken_for_a_model(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text("x")
    assert ".skops" in (refused(str(path)).hint or "")


@pytest.mark.parametrize(
    "options", [{"flavor": "xgboost"}, {"input_example": Path("x.csv")}, {"trusted_types": ["a.B"]}]
)
def test_options_of_bare_files_are_refused_for_folders(
    model: Path, options: dict[str, Any]
) -> None:
    assert isinstance(refused(str(model), **options), ConfigError)


@pytest.mark.parametrize("flavor", ["sklearn", "python_function"])
def test_the_flavor_that_a_model_is_served_by_may_be_named(model: Path, flavor: str) -> None:
    with open_model(str(model), flavor=flavor) as folder:
        assert folder == model


def test_another_flavor_that_the_model_has_is_refused(model: Path) -> None:
    with (model / "MLmodel").open("a") as file:
        file.write("  onnx: {data: model.onnx}\n")

    error = refused(str(model), flavor="onnx")
    assert str(error) == "the model is served as sklearn, not as onnx"


def test_a_flavor_of_a_folder_without_a_model_is_an_error_about_the_folder(tmp_path: Path) -> None:
    assert isinstance(refused(str(tmp_path), flavor="sklearn"), MLmodelNotFound)


def test_every_way_to_name_a_logged_model_gives_the_same_model(tracking: Store) -> None:
    infos = []
    uris = [
        "models:/Churn/1",
        "models:/Churn/latest",
        "models:/Churn@champion",
        f"models:/{tracking.model_id}",
        f"runs:/{tracking.run_id}/model",
    ]
    for uri in uris:
        with open_model(uri) as folder:
            infos.append(read_mlmodel(folder).info)
        assert not folder.exists()
    assert infos[0].model_id == tracking.model_id
    assert all(info == infos[0] for info in infos)


WRONG_URIS = {
    "models:/Chrun/1": "Did you mean models:/Churn/latest?",
    "models:/Nothing/1": "Registered are: Churn.",
    "models:/Churn/9": "Churn has version 1. Aliases: @champion.",
    "models:/Churn@nobody": "Churn has version 1. Aliases: @champion.",
    "models:/Churn/Production": "Churn has version 1. Aliases: @champion.",
    "models:/Churn": "Say which version: models:/Churn/latest is the newest.",
    "models:Churn": "Write it as models:/NAME/VERSION, models:/NAME@ALIAS or models:/MODEL_ID.",
    "models:/": "Write it as models:/NAME/VERSION, models:/NAME@ALIAS or models:/MODEL_ID.",
    "runs:/0123": "Write it as runs:/RUN_ID/PATH.",
}


@pytest.mark.parametrize("uri", WRONG_URIS)
def test_a_wrong_address_says_what_there_is(tracking: Store, uri: str) -> None:
    error = refused(uri)
    assert isinstance(error, ModelError)
    assert uri in str(error)
    assert error.hint == WRONG_URIS[uri]


def test_a_wrong_run_or_id_names_the_store(tracking: Store) -> None:
    for uri in ("runs:/0123/model", f"runs:/{tracking.run_id}/nope", "models:/m-" + "0" * 32):
        error = refused(uri)
        assert uri in str(error)
        assert tracking.uri in (error.hint or "")


def test_reading_never_makes_a_tracking_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert "MLFLOW_TRACKING_URI" in (refused("models:/Churn/1").hint or "")
    for uri in (f"sqlite:///{tmp_path}/x.db", f"file://{tmp_path}/mlruns", "mlruns"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        assert "no MLflow tracking store" in str(refused("models:/Churn/1"))
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_store_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.db").write_text("not a database\n" * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/x.db")
    error = refused("models:/Churn/1")
    assert isinstance(error, ModelError)
    assert str(tmp_path) in (error.hint or "")


def test_an_address_without_scheme_is_not_taken_for_a_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "databricks")
    assert "there is no MLflow tracking store" not in str(refused("models:/Churn/1"))


def test_a_server_that_does_not_answer_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    error = refused("models:/Churn/1")
    assert "no MLflow server answers at http://me:***@127.0.0.1:9" in str(error)


def test_a_missing_database_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:secret@127.0.0.1:9/x")
    error = refused("models:/Churn/1")
    assert isinstance(error, ToolMissing)
    assert "psycopg" in str(error)


def test_without_mlflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    error = refused("models:/Churn/1")
    assert isinstance(error, ToolMissing)
    assert error.hint == "pip install 'mlflow-lambda[mlflow]'"


def test_the_users_environment_is_left_as_it_was(tracking: Store) -> None:
    before = dict(os.environ)
    with open_model("models:/Churn/1"):
        pass
    assert dict(os.environ) == before


@pytest.fixture
def bucket() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="models")
        yield client


def upload(client: Any, folder: Path, prefix: str) -> None:
    for path in folder.iterdir():
        client.put_object(Bucket="models", Key=f"{prefix}{path.name}", Body=path.read_bytes())


@pytest.mark.parametrize(
    ("prefix", "uri"),
    [
        ("a/b/", "s3://models/a/b"),
        ("a/b/", "s3://models/a/b/"),
        ("a/b/", "s3://models/a/b/MLmodel"),
        ("", "s3://models"),
        ("", "s3://models/MLmodel"),
    ],
)
def test_a_model_in_s3_is_downloaded(bucket: Any, model: Path, prefix: str, uri: str) -> None:
    upload(bucket, model, prefix)
    if prefix:
        bucket.put_object(Bucket="models", Key="a/b/", Body=b"")
        bucket.put_object(Bucket="models", Key="a/bc/other", Body=b"x")
    with open_model(uri) as folder:
        assert read_mlmodel(folder).info == read_mlmodel(model).info
        assert sorted(path.name for path in folder.iterdir()) == ["MLmodel", "model.pkl"]
    assert not folder.exists()


def test_a_prefix_above_the_model_names_the_model(bucket: Any, model: Path) -> None:
    upload(bucket, model, "a/b/")
    error = refused("s3://models/a")
    assert isinstance(error, MLmodelNotFound)
    assert error.hint == "Did you mean s3://models/a/b?"


def test_an_empty_prefix_is_named(bucket: Any) -> None:
    error = refused("s3://models/nothing")
    assert isinstance(error, MLmodelNotFound)
    assert "s3://models/nothing/" in (error.hint or "")


def test_a_prefix_with_other_things_is_no_model(bucket: Any) -> None:
    bucket.put_object(Bucket="models", Key="a/x.csv", Body=b"x")
    assert isinstance(refused("s3://models/a"), MLmodelNotFound)


def test_a_missing_bucket_is_a_storage_error(bucket: Any) -> None:
    assert isinstance(refused("s3://not-there/a"), StorageError)


def test_a_key_that_climbs_out_is_refused(bucket: Any, model: Path) -> None:
    upload(bucket, model, "a/")
    bucket.put_object(Bucket="models", Key="a/x/../../../evil", Body=b"x")
    assert "no safe path" in str(refused("s3://models/a"))


def test_a_prefix_of_a_whole_lake_is_refused(
    bucket: Any, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(bucket, model, "a/")
    monkeypatch.setattr("packager.sources.s3_models.MAX_OBJECTS", 1)
    assert "more than 1 objects" in str(refused("s3://models/a"))


def test_an_address_without_bucket_is_refused() -> None:
    assert isinstance(refused("s3:///key"), ConfigError)


def test_an_example_of_an_mlflow_model_replaces_its_own_and_leaves_the_folder(
    tmp_path: Path,
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "MLmodel").write_text("flavors: {}\n")
    (model / "model.pkl").write_bytes(b"bytes")
    rows = tmp_path / "rows.json"
    rows.write_text('["good day", "awful night"]')
    with open_model(model, input_example=rows) as folder:
        example = json.loads((folder / "serving_input_example.json").read_text())
        assert example == {"inputs": ["good day", "awful night"]}
        assert "serving_input_example.json" in (folder / "MLmodel").read_text()
        assert (folder / "model.pkl").read_bytes() == b"bytes"
    assert (model / "MLmodel").read_text() == "flavors: {}\n"
    assert sorted(path.name for path in model.iterdir()) == ["MLmodel", "model.pkl"]


def test_an_example_for_a_model_whose_file_is_no_yaml_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").write_text("flavors: [")
    rows = tmp_path / "rows.json"
    rows.write_text("[[1.0]]")

    with (
        pytest.raises(ModelError, match="is not YAML"),
        open_model(tmp_path / "model", input_example=rows),
    ):
        pass
