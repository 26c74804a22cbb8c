"""Reading the sections of each flavor, good and broken."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from handler.manifest import ModelInfo
from packager.errors import MLmodelInvalid
from packager.model.mlmodel import read_mlmodel

BOOSTER = "lightgbm.basic.Booster"
LGBM = {"model_class": "lightgbm.sklearn.LGBMClassifier"}


def write(folder: Path, flavor: str, section: dict[str, Any], **pyfunc: Any) -> Path:
    """Write a model with this section, and an empty file under each name that it may have."""
    data = section.get("data", "model.bin")
    document = {
        "flavors": {
            "python_function": {"loader_module": f"mlflow.{flavor}", "data": data, **pyfunc},
            flavor: section,
        }
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(document))
    # A protocol buffer without fields is an ONNX model without tensors; one byte is none.
    (folder / str(data)).write_bytes(b"\x08\x07")
    return folder


def read(folder: Path, flavor: str, section: dict[str, Any], **pyfunc: Any) -> ModelInfo:
    return read_mlmodel(write(folder, flavor, section, **pyfunc)).info


@pytest.mark.parametrize("model_format", ["ubj", "json", "xgb"])
def test_an_xgboost_model_is_read_with_its_class_and_format(
    tmp_path: Path, model_format: str
) -> None:
    section = {
        "data": f"model.{model_format}",
        "model_class": "xgboost.sklearn.XGBClassifier",
        "model_format": model_format,
        "xgb_version": "3.4.1",
    }
    info = read(tmp_path, "xgboost", section)
    assert (info.flavor, info.data_path) == ("xgboost", f"model.{model_format}")
    assert info.serialization_format == model_format
    assert info.options["model_class"] == "xgboost.sklearn.XGBClassifier"
    assert not info.executes_code


def test_an_xgboost_model_of_mlflow_1_is_a_booster(tmp_path: Path) -> None:
    info = read(tmp_path, "xgboost", {"data": "model.xgb", "xgb_version": "1.4.2"})
    assert (info.serialization_format, info.options["model_class"]) == (
        "xgb",
        "xgboost.core.Booster",
    )


@pytest.mark.parametrize(
    "model_class", ["of_their_own.Model", "xgboost.dask.Anything", "os.abort", "xgboosted.core.X"]
)
def test_a_class_from_elsewhere_executes_code(tmp_path: Path, model_class: str) -> None:
    section = {"data": "model.ubj", "model_class": model_class}
    assert read(tmp_path, "xgboost", section).executes_code


def test_a_lightgbm_booster_executes_no_code(tmp_path: Path) -> None:
    section = {
        "data": "model.lgb",
        "model_class": BOOSTER,
        "serialization_format": "skops",  # what MLflow writes for a Booster too
        "skops_trusted_types": ["lightgbm.basic.Booster"],
    }
    info = read(tmp_path, "lightgbm", section)
    assert (info.data_path, info.serialization_format) == ("model.lgb", "lgb")
    assert not info.executes_code


def test_a_lightgbm_estimator_is_read_with_the_types_that_it_trusts(tmp_path: Path) -> None:
    trusted = ["collections.OrderedDict", "lightgbm.sklearn.LGBMClassifier"]
    section = {**LGBM, "data": "model.skops", "serialization_format": "skops"}
    info = read(tmp_path, "lightgbm", {**section, "skops_trusted_types": trusted})
    assert (info.serialization_format, info.trusted_types) == ("skops", tuple(trusted))
    assert not info.executes_code


@pytest.mark.parametrize(("written", "found"), [("pickle", "pickle"), (None, "cloudpickle")])
def test_a_pickled_lightgbm_estimator_executes_code(
    tmp_path: Path, written: str | None, found: str
) -> None:
    section = {**LGBM, "data": "model.pkl"} | ({"serialization_format": written} if written else {})
    info = read(tmp_path, "lightgbm", section)
    assert info.serialization_format == found
    assert info.executes_code


CPU = ["CPUExecutionProvider", {}]
CUDA = ["CUDAExecutionProvider", {}]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (None, [CUDA, CPU]),
        ([], [CUDA, CPU]),
        ("CPUExecutionProvider", [CPU]),
        (["CPUExecutionProvider"], [CPU]),
        (
            [["CUDAExecutionProvider", {"device_id": "1"}], "CPUExecutionProvider"],
            [["CUDAExecutionProvider", {"device_id": "1"}], CPU],
        ),
    ],
)
def test_an_onnx_model_is_read_with_its_providers(
    tmp_path: Path, written: Any, found: list[Any]
) -> None:
    options = {"intra_op_num_threads": 1}
    section = {"data": "model.onnx", "providers": written, "onnx_session_options": options}
    info = read(tmp_path, "onnx", section)
    assert info.options["providers"] == found
    assert info.options["session_options"] == options
    assert info.serialization_format == "onnx"
    assert not info.executes_code


def test_modules_beside_any_model_execute_code(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    assert read(tmp_path, "onnx", {"data": "model.onnx"}, code="code").executes_code


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("xgboost", {}, "flavor 'xgboost' names no data"),
    ("xgboost", {"data": "model.ubj", "model_class": 3}, "model_class 3 is not the name"),
    ("xgboost", {"data": "model.ubj", "model_class": "Booster"}, "is not the name of a class"),
    ("xgboost", {"data": "model.ubj", "model_class": "a.b c"}, "is not the name of a class"),
    ("lightgbm", {}, "flavor 'lightgbm' names no data"),
    ("lightgbm", {**LGBM, "data": "m", "serialization_format": "ubj"}, "unknown serialization"),
    ("lightgbm", {**LGBM, "data": "m", "skops_trusted_types": "x"}, "skops_trusted_types"),
    ("onnx", {"data": 3}, "flavor 'onnx' names no data"),
    ("onnx", {"data": "model.onnx", "providers": [3]}, "providers names 3"),
    ("onnx", {"data": "model.onnx", "onnx_session_options": [1]}, "onnx_session_options is not"),
]


@pytest.mark.parametrize(("flavor", "section", "issue"), BROKEN)
def test_a_wrong_entry_is_named(
    tmp_path: Path, flavor: str, section: dict[str, Any], issue: str
) -> None:
    with pytest.raises(MLmodelInvalid, match=issue):
        read(tmp_path, flavor, section)


@pytest.mark.parametrize("flavor", ["xgboost", "lightgbm", "onnx"])
def test_a_loader_without_its_flavor_is_an_error_as_under_mlflow(
    tmp_path: Path, flavor: str
) -> None:
    document = {"flavors": {"python_function": {"loader_module": f"mlflow.{flavor}"}}}
    (tmp_path / "MLmodel").write_text(yaml.safe_dump(document))
    with pytest.raises(MLmodelInvalid, match=f"flavor '{flavor}' is missing"):
        read_mlmodel(tmp_path)


def test_a_file_that_is_not_onnx_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path, "onnx", {"data": "model.onnx"})
    (folder / "model.onnx").write_bytes(b"PK\x03\x04 no protocol buffer")
    with pytest.raises(MLmodelInvalid, match=r"model\.onnx is not an ONNX file"):
        read_mlmodel(folder)
