"""Bare model files: what they are is found out without running them."""

import json
import pickle
import sys
import warnings
import zipfile
from importlib import metadata
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from packager.errors import ConfigError, ModelError, ToolMissing
from packager.model.mlmodel import read_mlmodel
from packager.sources.examples import read_input_example
from packager.sources.model_uri import open_model
from packager.sources.pickles import sniff_bare_file

FRAME = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [3, 2, 1, 0]})
TREE_TYPE = "sklearn.tree._tree.Tree"


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


@pytest.fixture(scope="module")
def model() -> LogisticRegression:
    return LogisticRegression().fit(FRAME, [0, 0, 1, 1])


@pytest.fixture
def pickled(model: LogisticRegression, tmp_path: Path) -> Path:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(model))
    return path


def installed_sklearn() -> str:
    import sklearn

    return str(sklearn.__version__)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_of_any_protocol_tells_the_version_that_wrote_it(
    model: LogisticRegression, tmp_path: Path, protocol: int
) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(model, protocol=protocol))
    found = sniff_bare_file(path)
    assert (found.serialization_format, found.sklearn_version) == ("pickle", installed_sklearn())


@pytest.mark.parametrize("compress", [0, "zlib", "gzip", "bz2", "xz", "lzma"])
def test_a_joblib_file_is_recognised_whatever_its_compression(
    model: LogisticRegression, tmp_path: Path, compress: str | int
) -> None:
    path = tmp_path / "model.joblib"
    joblib.dump(model, path, compress=(compress, 3) if compress else 0)
    found = sniff_bare_file(path)
    assert (found.serialization_format, found.sklearn_version) == ("joblib", installed_sklearn())


def test_a_joblib_file_named_pkl_is_loaded_by_joblib(
    model: LogisticRegression, tmp_path: Path
) -> None:
    joblib.dump(model, tmp_path / "model.pkl")
    assert sniff_bare_file(tmp_path / "model.pkl").serialization_format == "joblib"


def test_a_pickle_that_needs_cloudpickle_says_so(tmp_path: Path) -> None:
    import cloudpickle

    path = tmp_path / "model.pkl"
    path.write_bytes(cloudpickle.dumps(lambda row: row))
    with open_model(str(path), flavor="sklearn") as folder:
        spec = read_mlmodel(folder)
    assert spec.info.serialization_format == "cloudpickle"
    assert "cloudpickle" in spec.requirements


def broken_files(model: LogisticRegression) -> dict[str, bytes]:
    whole = pickle.dumps(model)
    return {
        "empty.pkl": b"",
        "text.pkl": b"feature_0,feature_1\n",
        "cut.pkl": whole[: len(whole) // 2],
        "garbage.pkl": b"\x80\x05" + b"\xff" * 20 + b".",
        "cut.joblib": b"\x78\x9c" + whole[:40],
        "pickle.skops": whole,
    }


@pytest.mark.parametrize(
    "name", ["empty.pkl", "text.pkl", "cut.pkl", "garbage.pkl", "cut.joblib", "pickle.skops"]
)
def test_an_unreadable_file_is_named(model: LogisticRegression, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(broken_files(model)[name])
    with pytest.raises(ModelError, match=name):
        sniff_bare_file(path)


def test_building_from_a_pickle_does_not_run_it(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    path = tmp_path / "bomb.pkl"
    path.write_bytes(pickle.dumps(Bomb(marker)))
    with open_model(str(path), flavor="sklearn") as folder:
        spec = read_mlmodel(folder)
    assert spec.info.executes_code
    assert not marker.exists()


def test_a_skops_file_lists_the_types_that_are_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(DecisionTreeClassifier().fit(FRAME, [0, 0, 1, 1]), path)
    with (
        pytest.raises(ModelError, match=TREE_TYPE) as raised,
        open_model(str(path), flavor="sklearn"),
    ):
        pass
    assert raised.value.hint is not None
    assert f"--trust {TREE_TYPE}" in raised.value.hint


def test_a_skops_file_with_trusted_types_executes_no_code(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(DecisionTreeClassifier().fit(FRAME, [0, 0, 1, 1]), path)
    with open_model(str(path), flavor="sklearn", trusted_types=[TREE_TYPE]) as folder:
        spec = read_mlmodel(folder)
    assert spec.info.trusted_types == (TREE_TYPE,)
    assert not spec.info.executes_code
    assert spec.requirements == (f"scikit-learn=={installed_sklearn()}", "skops")


def test_mlflow_itself_loads_the_folder_that_is_made(pickled: Path, tmp_path: Path) -> None:
    import mlflow

    example = tmp_path / "rows.csv"
    FRAME.to_csv(example, index=False)
    with (
        open_model(str(pickled), flavor="sklearn", input_example=example) as folder,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        loaded = mlflow.pyfunc.load_model(str(folder))
        assert loaded.metadata.get_input_schema().input_names() == ["a", "b"]
        assert list(loaded.predict(FRAME)) == [0, 0, 1, 1]
        assert loaded.input_example.equals(FRAME.head(5))


def test_equal_files_make_equal_models(pickled: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "renamed.pkl"
    moved.parent.mkdir()
    moved.write_bytes(pickled.read_bytes())
    specs = []
    for path in (pickled, moved):
        with open_model(str(path), flavor="sklearn") as folder:
            specs.append(read_mlmodel(folder))
    assert specs[0].info == specs[1].info


def test_requirements_beside_the_file_win(pickled: Path) -> None:
    (pickled.parent / "requirements.txt").write_text("scikit-learn==1.5.2\nmylib==3.0\n")
    with open_model(str(pickled), flavor="sklearn") as folder:
        assert read_mlmodel(folder).requirements == ("scikit-learn==1.5.2", "mylib==3.0")


def test_the_temporary_folder_is_removed(pickled: Path) -> None:
    with open_model(str(pickled), flavor="sklearn") as folder:
        assert (folder / "MLmodel").is_file()
    assert not folder.exists()


def test_an_unknown_flavor_of_a_bare_file_is_refused(pickled: Path) -> None:
    with pytest.raises(ConfigError, match="paddle"), open_model(str(pickled), flavor="paddle"):
        pass


def test_trusted_types_of_a_pickle_are_refused(pickled: Path) -> None:
    with (
        pytest.raises(ConfigError, match="--trust"),
        open_model(str(pickled), flavor="sklearn", trusted_types=[TREE_TYPE]),
    ):
        pass


FRAMES = {
    "numbers": pd.DataFrame({"i": [1, 2], "f": [0.5, 1.5]}),
    "missing": pd.DataFrame({"f": [0.5, None], "s": ["x", None]}),
    "text": pd.DataFrame({"s": ["oslo", "rome"], "t": ["a", "b"]}),
    "boolean": pd.DataFrame({"b": [True, False], "i": [3, 4]}),
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("form", ["csv", "split", "records", "plain-records", "plain-split"])
def test_the_signature_is_the_one_that_mlflow_infers(tmp_path: Path, name: str, form: str) -> None:
    from mlflow.models import infer_signature

    frame = FRAMES[name]
    path = tmp_path / ("rows.csv" if form == "csv" else "rows.json")
    if form == "csv":
        frame.to_csv(path, index=False)
    else:
        split = json.loads(frame.to_json(orient="split", index=False))
        records = json.loads(frame.to_json(orient="records"))
        documents = {
            "split": {"dataframe_split": split},
            "records": {"dataframe_records": records},
            "plain-records": records,
            "plain-split": split,
        }
        path.write_text(json.dumps(documents[form]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = infer_signature(frame).to_dict()["inputs"]
    assert read_input_example(path).inputs == json.loads(expected)


@pytest.mark.parametrize("rows", [[[0.5, 1.0], [2.0, 3.0]], [[1, 2], [3, 4]], [1.5, 2.5]])
def test_rows_without_names_get_the_tensor_signature_that_mlflow_infers(
    tmp_path: Path, rows: list[object]
) -> None:
    from mlflow.models import infer_signature

    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"inputs": rows}))
    expected = infer_signature(np.array(rows)).to_dict()["inputs"]
    found = read_input_example(path)
    assert found.inputs == json.loads(expected)
    assert found.serving == {"inputs": rows}


def test_columns_of_values_are_read_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('{"inputs": {"a": [1.5, 2.5], "b": ["x", "y"]}}')
    found = read_input_example(path)
    assert [(item["name"], item["type"]) for item in found.inputs] == [
        ("a", "double"),
        ("b", "string"),
    ]
    assert found.serving["dataframe_split"]["data"] == [[1.5, "x"], [2.5, "y"]]


def test_a_long_example_is_shortened_but_typed_by_all_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a\n" + "1\n" * 50 + "2.5\n")
    found = read_input_example(path)
    assert found.inputs[0]["type"] == "double"
    assert found.example["data"] == [[1.0]] * 5


def test_missing_values_are_null_in_the_example(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1.5,x\n,y\n")
    assert read_input_example(path).example["data"] == [[1.5, "x"], [None, "y"]]


BAD_EXAMPLES = {
    "empty.csv": "",
    "header.csv": "a,b\n",
    "ragged.csv": "a,b\n1,2\n1,2,3,4\n",
    "broken.json": "{",
    "scalar.json": "3",
    "nothing.json": "[]",
    "keys.json": '{"rows": [[1]]}',
    "two.json": '{"inputs": [[1]], "instances": [[1]]}',
    "nocolumns.json": '{"dataframe_split": {"data": [[1]]}}',
    "width.json": '{"columns": ["a"], "data": [[1, 2]]}',
    "twice.json": '{"columns": ["a", "a"], "data": [[1, 2]]}',
    "mixed.json": '[{"a": 1}, {"a": "x"}]',
    "null.json": '[{"a": null}]',
    "nested.json": '[{"a": [1, 2]}]',
    "unequal.json": "[[1, 2], [3]]",
    "text.json": '[["a", "b"]]',
    "binary.parquet": "PAR1",
}


@pytest.mark.parametrize("name", BAD_EXAMPLES)
def test_an_unusable_example_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(BAD_EXAMPLES[name])
    with pytest.raises(ConfigError, match=name):
        read_input_example(path)


def test_a_missing_example_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nope"):
        read_input_example(tmp_path / "nope.csv")


def test_the_source_of_the_requirements_is_told(pickled: Path) -> None:
    told: list[str] = []

    class Listener:
        def step(self, message: str) -> None:
            told.append(message)

        def detail(self, message: str) -> None:
            told.append(message)

    with open_model(str(pickled), flavor="sklearn", progress=Listener()):
        pass
    assert any(f"scikit-learn {installed_sklearn()}, recorded" in line for line in told)


def test_the_folder_reads_as_mlflow_writes_it(pickled: Path) -> None:
    with open_model(str(pickled), flavor="sklearn") as folder:
        document = yaml.safe_load((folder / "MLmodel").read_text())
    assert document["flavors"]["python_function"]["loader_module"] == "mlflow.sklearn"
    assert document["flavors"]["sklearn"]["serialization_format"] == "pickle"


def test_without_skops_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(LogisticRegression(), path)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(ToolMissing) as raised, open_model(str(path), flavor="sklearn"):
        pass
    assert raised.value.hint == "pip install 'mlflow-lambda[sklearn]'"


def test_without_pandas_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ToolMissing) as raised:
        read_input_example(tmp_path / "rows.csv")
    assert raised.value.hint == "pip install 'mlflow-lambda[sklearn]'"


def test_a_file_of_unknown_origin_asks_for_requirements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"not": "an estimator"}))
    with open_model(str(path), flavor="sklearn") as folder:
        assert read_mlmodel(folder).requirements == (f"scikit-learn=={installed_sklearn()}",)

    def not_installed(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", not_installed)
    with pytest.raises(ModelError) as raised, open_model(str(path), flavor="sklearn"):
        pass
    assert str(tmp_path / "requirements.txt") in (raised.value.hint or "")


def test_a_skops_file_with_a_foreign_schema_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", '{"__loader__": "Nonsense"}')
    with (
        pytest.raises(ModelError, match="cannot be read by skops"),
        open_model(str(path), flavor="sklearn"),
    ):
        pass


def test_one_row_of_scalars_is_an_example(tmp_path: Path) -> None:
    path = tmp_path / "row.json"
    path.write_text('{"inputs": {"a": 1.5, "b": true}}')
    found = read_input_example(path)
    assert [item["type"] for item in found.inputs] == ["double", "boolean"]
    assert found.example["data"] == [[1.5, True]]


def test_a_boolean_column_may_miss_values(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"a": true}, {"a": null}]')
    (item,) = read_input_example(path).inputs
    assert item == {"type": "boolean", "name": "a", "required": False}
