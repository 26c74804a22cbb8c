"""Bare files of every flavor: recognised by their content, never run."""

import json
import pickle
import warnings
import zipfile
from collections.abc import Callable
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnx
import pytest
import xgboost
import yaml
from onnx import TensorProto, helper, numpy_helper

from packager.errors import ConfigError, ModelError
from packager.model.mlmodel import read_mlmodel
from packager.sources.model_uri import open_model
from tests.support.commands import packager

RANDOM = np.random.default_rng(0)
X = RANDOM.random((40, 3))
Y = (X[:, 0] > 0.5).astype(int)
# Of an MLmodel file, what depends on when and where it was written.
_OF_THE_RUN = ("env", "python_version")


@contextmanager
def quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def booster() -> xgboost.Booster:
    return xgboost.train({"max_depth": 2}, xgboost.DMatrix(X, Y), 2)


def classifier() -> xgboost.XGBClassifier:
    return xgboost.XGBClassifier(n_estimators=2, max_depth=2).fit(X, Y)


def regressor() -> xgboost.XGBRegressor:
    return xgboost.XGBRegressor(n_estimators=2, max_depth=2).fit(X, Y)


def light() -> lightgbm.LGBMClassifier:
    return lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(X, Y)


def graph(external: Path | None = None) -> onnx.ModelProto:
    weights = numpy_helper.from_array(RANDOM.random((3, 1)).astype(np.float32), "w")
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])]
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    return helper.make_model(helper.make_graph([node], "g", inputs, outputs, [weights]))


def zipped(path: Path, names: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return path


def sections(folder: Path, flavor: str) -> tuple[dict[str, Any], dict[str, Any]]:
    flavors = yaml.safe_load((folder / "MLmodel").read_text())["flavors"]
    pyfunc = {key: value for key, value in flavors["python_function"].items() if value is not None}
    return {key: pyfunc[key] for key in pyfunc if key not in _OF_THE_RUN}, flavors[flavor]


@pytest.mark.parametrize(
    ("name", "flavor", "train", "save"),
    [
        ("model.ubj", "xgboost", booster, lambda model, path: model.save_model(path)),
        ("model.json", "xgboost", booster, lambda model, path: model.save_model(path)),
        ("c.ubj", "xgboost", classifier, lambda model, path: model.save_model(path)),
        ("c.json", "xgboost", classifier, lambda model, path: model.save_model(path)),
        ("old name.bin", "xgboost", regressor, lambda model, path: model.save_model(path)),
        ("trees.txt", "lightgbm", light, lambda model, path: model.booster_.save_model(path)),
        ("graph.onnx", "onnx", graph, onnx.save),
    ],
)
def test_a_bare_file_makes_the_folder_that_mlflow_makes(
    tmp_path: Path,
    name: str,
    flavor: str,
    train: Callable[[], Any],
    save: Callable[[Any, str], None],
) -> None:
    import mlflow

    model = train()
    file = tmp_path / name
    with quiet():
        save(model, str(file))
        options = {"model_format": "json"} if file.suffix == ".json" else {}
        logged = model.booster_ if flavor == "lightgbm" else model
        getattr(mlflow, flavor).save_model(
            logged, tmp_path / "mlflow", pip_requirements=[], **options
        )

    with open_model(str(file)) as folder:
        ours, theirs = sections(folder, flavor), sections(tmp_path / "mlflow", flavor)
        spec = read_mlmodel(folder)
    # What wrote an ONNX file is not known, and in a booster's no objects are serialized.
    for key in ("onnx_version", "serialization_format", "skops_trusted_types"):
        theirs[1].pop(key, None)
        ours[1].pop(key, None)
    assert ours == theirs
    library = "onnxruntime" if flavor == "onnx" else flavor
    if flavor == "xgboost":
        assert spec.requirements[0] == f"xgboost=={xgboost.__version__}"
    else:
        assert spec.requirements[0] == f"{library}=={metadata.version(library)}"
    assert not spec.info.executes_code


def test_a_pickled_wrapper_of_lightgbm_is_one_of_lightgbm_where_that_is_said(
    tmp_path: Path,
) -> None:
    path = tmp_path / "model.pkl"
    for protocol in (2, 5):
        path.write_bytes(pickle.dumps(light(), protocol=protocol))
        with open_model(str(path), flavor="lightgbm") as folder:
            assert sections(folder, "lightgbm")[1]["model_class"] == (
                "lightgbm.sklearn.LGBMClassifier"
            )
            assert read_mlmodel(folder).info.executes_code


def test_an_onnx_model_brings_its_external_data_along(tmp_path: Path) -> None:
    path = tmp_path / "graph.onnx"
    onnx.save(
        graph(),
        path,
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location="graph.data",
        size_threshold=0,
    )
    with open_model(str(path)) as folder:
        names = {entry.path for entry in read_mlmodel(folder).info.files}
    assert {"model.onnx", "graph.data"} <= names

    (tmp_path / "graph.data").unlink()
    with pytest.raises(ModelError, match=r"graph\.data is named but missing"):
        open_bare(path)


def open_bare(path: Path, flavor: str | None = None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the flavor's section and the requirements of what is made of a file."""
    with open_model(str(path), flavor=flavor) as folder:
        document = yaml.safe_load((folder / "MLmodel").read_text())
        requirements = (folder / "requirements.txt").read_text().split()
    return document["flavors"], tuple(requirements)


CBM = b"CBM1" + (40).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (b"Logloss", "CatBoostClassifier"),
        (b"MultiClass", "CatBoostClassifier"),
        (b"RMSE", "CatBoostRegressor"),
        (b"YetiRankPairwise", "CatBoostRanker"),
        (b"PythonUserDefinedPerObject", "CatBoost"),
    ],
)
def test_a_catboost_file_is_of_the_class_that_goes_with_its_loss(
    tmp_path: Path, loss: bytes, expected: str
) -> None:
    (tmp_path / "requirements.txt").write_text("catboost==1.2.8\n")
    path = tmp_path / "model.cbm"
    path.write_bytes(CBM + b'{"loss_function":{"params":{},"type":"' + loss + b'"}}')
    flavors, requirements = open_bare(path)
    assert flavors["catboost"]["model_type"] == expected
    assert flavors["catboost"]["save_format"] == "cbm"
    assert requirements == ("catboost==1.2.8",)


def test_a_scripted_torch_model_needs_no_flavor_and_a_pickled_one_does(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch==2.13.0\n")
    pickled = b"\x80\x02c__main__\nNet\nq\x00."
    scripted = zipped(
        tmp_path / "scripted.pt",
        {"m/data.pkl": pickled, "m/constants.pkl": b"", "m/code/__torch__.py": b""},
    )
    eager = zipped(tmp_path / "eager.pth", {"m/data.pkl": pickled, "m/version": b"3"})
    exported = zipped(tmp_path / "exported.pt2", {"m/models/model.json": b"{}"})

    for path, flavor in ((scripted, None), (eager, "pytorch"), (exported, None)):
        flavors, _ = open_bare(path, flavor)
        assert flavors["python_function"]["loader_module"] == "mlflow.pytorch"
        assert flavors["pytorch"]["model_data"] == "data"
    with pytest.raises(ConfigError, match="which library") as caught:
        open_bare(eager)
    assert caught.value.hint == "Add --flavor pytorch."


def test_a_state_dict_is_refused_with_what_to_do(tmp_path: Path) -> None:
    content = (
        b"\x80\x02ccollections\nOrderedDict\n)Rctorch._utils\n_rebuild_tensor_v2\n"
        b"ctorch\nFloatStorage\n."
    )
    path = zipped(tmp_path / "weights.pt", {"m/data.pkl": content, "m/version": b"3"})
    with pytest.raises(ModelError, match="holds a state dict") as caught:
        open_bare(path, "pytorch")
    assert "torch.jit.script" in str(caught.value.hint)


def test_a_keras_file_takes_its_backend_from_the_requirements_beside_it(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "net.keras",
        {"metadata.json": b'{"keras_version": "3.12.0"}', "config.json": b"{}"},
    )
    with pytest.raises(ModelError, match="which backend"):
        open_bare(path)
    (tmp_path / "requirements.txt").write_text("keras==3.12.0\njax==0.7.2\n")
    flavors, requirements = open_bare(path)
    assert flavors["keras"] == {
        "data": "data",
        "keras_backend": "jax",
        "keras_version": "3.12.0",
        "save_exported_model": False,
    }
    assert requirements == ("keras==3.12.0", "jax==0.7.2")


def test_a_saved_model_of_tensorflow_is_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"\x08\x01\x12\x0e*\x062.20.02\x04v2.2")
    flavors, requirements = open_bare(folder)
    assert flavors["tensorflow"] == {
        "code": None,
        "model_type": "tf2-module",
        "saved_model_dir": "tf2model",
    }
    assert requirements == ("tensorflow==2.20.0",)


@pytest.mark.parametrize("is_mlflows", [False, True])
def test_a_prophet_file_is_kept_as_mlflow_keeps_it(tmp_path: Path, *, is_mlflows: bool) -> None:
    path = tmp_path / "model.json"
    text = json.dumps({"growth": "linear", "__prophet_version": "1.1.7"})
    path.write_text(json.dumps(text) if is_mlflows else text)
    with open_model(str(path)) as folder:
        kept = (folder / "model.pr").read_text()
        assert read_mlmodel(folder).requirements == ("prophet==1.1.7",)
    assert json.loads(json.loads(kept))["growth"] == "linear"


def spacy_folder(folder: Path, component: str) -> Path:
    folder.mkdir()
    meta = {"spacy_version": ">=3.8.7,<3.9.0", "pipeline": [component]}
    (folder / "meta.json").write_text(json.dumps(meta))
    (folder / "config.cfg").write_text(f'[components.c]\nfactory = "{component}"\n')
    return folder


def test_a_spacy_pipeline_that_categorizes_is_a_model(tmp_path: Path) -> None:
    flavors, requirements = open_bare(spacy_folder(tmp_path / "nlp", "textcat"))
    assert flavors["spacy"]["data"] == "model.spacy"
    assert requirements == ("spacy<3.9.0,>=3.8.7",)
    with pytest.raises(ModelError, match="without a text categorizer"):
        open_bare(spacy_folder(tmp_path / "tagger", "tagger"))


@pytest.mark.parametrize(
    ("flavor", "data"), [("statsmodels", "model.statsmodels"), ("pmdarima", "model.pmd")]
)
def test_a_pickle_is_of_the_flavor_that_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flavor: str, data: str
) -> None:
    def not_installed(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", not_installed)
    path = tmp_path / "model.pickle"
    path.write_bytes(pickle.dumps({"pkg_version_": "2.1.1"}))
    if flavor == "statsmodels":  # which does not say who wrote it
        with pytest.raises(ModelError, match="does not record the statsmodels version"):
            open_bare(path, flavor)
        (tmp_path / "requirements.txt").write_text("statsmodels==0.14.5\n")
    flavors, requirements = open_bare(path, flavor)
    assert flavors[flavor]["data"] == data
    assert requirements[0].startswith(f"{flavor}==")


def whole_booster() -> bytes:
    return bytes(booster().save_raw("ubj"))


BROKEN: dict[str, Callable[[], bytes]] = {
    "empty.ubj": lambda: b"",
    "cut.ubj": lambda: whole_booster()[:500],
    "text.json": lambda: b"feature,value\n",
    "other.json": lambda: b'{"a": 1}',
    "deprecated.bin": lambda: b"\x00\x00\x00?\x03\x00",
    "letter.txt": lambda: b"Dear model,\n",
    "cut.txt": lambda: b"tree\nversion=v4\nnum_class=1\n",
    "cut.cbm": lambda: b"CBM1\xff\xff\x00\x00",
    "pickle.cbm": lambda: pickle.dumps(1),
    "cut.onnx": lambda: graph().SerializeToString()[:30],
    "text.onnx": lambda: b"graph\n",
    "cut.pt2": lambda: b"PK\x03\x04" + b"\0" * 30,
    "cut.pt": lambda: b"PK\x03\x04" + b"\0" * 30,
    "text.keras": lambda: b"a model",
    "zip.keras": lambda: b"PK\x05\x06" + b"\0" * 18,
    "half.prophet.json": lambda: b'{"growth": "linear", "__prophet_version": "1.1',
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_not_what_its_name_says_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(BROKEN[name]())
    with pytest.raises(ModelError, match=name):
        open_bare(path)


def test_the_command_says_what_is_wrong_and_ends_with_1(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08" + b"\xff" * 40)
    done = packager("build", path, "--output", tmp_path / "dist")
    assert done.returncode == 1
    assert "error:" in done.stderr
    assert "model.onnx" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_name_that_goes_with_another_flavor_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(1))
    with pytest.raises(ModelError, match="no name of a bare onnx model") as caught:
        open_bare(path, "onnx")
    assert ".onnx" in str(caught.value.hint)


@pytest.mark.parametrize("target", ["outside.bin", "missing", "../export"])
def test_a_bare_folder_with_a_link_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "outside.bin").write_bytes(b"somebody's")
    folder = spacy_folder(tmp_path / "export", "textcat")
    (folder / "vocab").mkdir()
    (folder / "vocab" / "vectors").symlink_to(tmp_path / target)
    with pytest.raises(ModelError, match=r"export/vocab/vectors is a symbolic link"):
        open_bare(folder)


def test_a_link_to_a_bare_folder_is_that_folder(tmp_path: Path) -> None:
    spacy_folder(tmp_path / "v1", "textcat")
    (tmp_path / "latest").symlink_to("v1")
    assert open_bare(tmp_path / "latest")[0]["spacy"]["data"] == "model.spacy"


@pytest.mark.parametrize(
    ("recorded", "requirement"),
    [
        ("1.1.7", "prophet==1.1.7"),
        ("v1.1.7", "prophet==1.1.7"),
        (">= 1.1\n", "prophet>=1.1"),
        *((wrong, "prophet==9.9") for wrong in ("-evil", "x", "1.0\nevil", "", " ", ",", "1 # x")),
    ],
)
def test_only_a_version_that_is_one_becomes_a_requirement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: str, requirement: str
) -> None:
    distribution = tmp_path / "installed" / "prophet-9.9.dist-info"
    distribution.mkdir(parents=True)
    (distribution / "METADATA").write_text("Name: prophet\nVersion: 9.9\n")
    monkeypatch.syspath_prepend(tmp_path / "installed")
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"growth": "linear", "__prophet_version": recorded}))
    assert open_bare(path)[1] == (requirement,)
