"""Reading the models of PyTorch, TensorFlow and Keras, and what stands in for their packages."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from handler.manifest import ModelInfo
from packager.errors import MLmodelInvalid, ModelIncomplete
from packager.model.mlmodel import read_mlmodel
from packager.requirements.select import inference_requirements

MLFLOWS_PICKLE = "mlflow.pytorch.pickle_module"


def write(folder: Path, flavor: str, section: dict[str, Any], **pyfunc: Any) -> Path:
    loader = {"loader_module": f"mlflow.{flavor}", **pyfunc}
    document = {"flavors": {"python_function": loader, flavor: section}}
    (folder / "MLmodel").write_text(yaml.safe_dump(document))
    return folder


def write_files(folder: Path, **contents: str) -> None:
    """Write files; in their names `__` is a slash and `_d_` a dot."""
    for name, content in contents.items():
        path = folder / name.replace("__", "/").replace("_d_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content or "data")


def files_of(info: ModelInfo) -> list[str]:
    return [entry.path for entry in info.files]


def torch_model(folder: Path, *members: str, pickle_module: str = MLFLOWS_PICKLE) -> Path:
    write_files(folder, data__pickle_module_info_d_txt=pickle_module)
    with zipfile.ZipFile(folder / "data/model.pth", "w") as archive:
        for member in members:
            archive.writestr(f"model/{member}", b"")
    return write(folder, "pytorch", {"model_data": "data"}, data="data", config={"device": None})


def test_a_pickled_torch_model_is_read_with_its_pickle_module(tmp_path: Path) -> None:
    info = read_mlmodel(torch_model(tmp_path, "data.pkl", "data/0")).info

    assert (info.flavor, info.serialization_format) == ("pytorch", "pickle")
    assert info.options == {"device": None, "pickle_module": MLFLOWS_PICKLE}
    assert files_of(info) == ["MLmodel", "data/model.pth"]
    assert info.executes_code


def test_a_torch_model_of_the_old_file_format_is_a_pickle(tmp_path: Path) -> None:
    torch_model(tmp_path, "data.pkl")
    (tmp_path / "data/model.pth").write_bytes(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.")

    assert read_mlmodel(tmp_path).info.serialization_format == "pickle"


def test_a_torchscript_archive_is_told_by_its_constants(tmp_path: Path) -> None:
    info = read_mlmodel(torch_model(tmp_path, "data.pkl", "constants.pkl", "code/net.py")).info

    assert info.serialization_format == "torchscript"
    assert info.executes_code


def test_an_exported_torch_model_counts_as_code(tmp_path: Path) -> None:
    """Its loader evaluates expressions in the file."""
    write_files(tmp_path, data__model_d_pt2="")
    config = {"device": "cpu"}
    info = read_mlmodel(
        write(tmp_path, "pytorch", {"model_data": "data"}, data="data", config=config)
    ).info

    assert (info.data_path, info.serialization_format) == ("data/model.pt2", "pt2")
    assert info.options["device"] == "cpu"
    assert info.executes_code


def test_a_pickle_module_has_to_have_a_modules_name(tmp_path: Path) -> None:
    torch_model(tmp_path, "data.pkl", pickle_module="os; import sys")

    with pytest.raises(MLmodelInvalid, match="no module's name"):
        read_mlmodel(tmp_path)


def test_a_torch_model_without_its_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelIncomplete, match=r"data/model\.pth"):
        read_mlmodel(write(tmp_path, "pytorch", {"model_data": "data"}))


def test_a_tensorflow_module_is_its_whole_saved_model(tmp_path: Path) -> None:
    write_files(tmp_path, tf2model__saved_model_d_pb="", tf2model__variables__variables_d_index="")
    section = {"model_type": "tf2-module", "saved_model_dir": "tf2model"}
    info = read_mlmodel(write(tmp_path, "tensorflow", section)).info

    assert (info.data_path, info.serialization_format) == ("tf2model", "saved_model")
    assert info.options == {"model_type": "tf2-module"}
    assert files_of(info) == [
        "MLmodel",
        "tf2model/saved_model.pb",
        "tf2model/variables/variables.index",
    ]
    assert info.executes_code


def test_an_estimator_of_tensorflow_1_is_read_with_tags_and_signature(tmp_path: Path) -> None:
    write_files(tmp_path, tfmodel__saved_model_d_pb="")
    section = {
        "saved_model_dir": "tfmodel",
        "meta_graph_tags": ["serve"],
        "signature_def_key": "predict",
    }
    info = read_mlmodel(write(tmp_path, "tensorflow", section)).info

    assert info.options == {
        "model_type": "tf1-estimator",
        "tags": ["serve"],
        "signature": "predict",
    }


KERAS_IN_TENSORFLOW = {"model_type": "keras", "data": "data"}


@pytest.mark.parametrize(
    ("saved_as", "file", "name", "is_compiled"),
    [
        ("tf", "data__model_d_keras", "keras", True),
        ("tf", "data__model__saved_model_d_pb", "saved_model", True),
        ("h5", "data__model_d_h5", "h5", False),
        (None, "data__model_d_h5", "h5", False),
    ],
)
def test_keras_models_of_the_tensorflow_flavor_are_read_in_each_of_their_formats(
    tmp_path: Path, saved_as: str | None, file: str, name: str, is_compiled: bool
) -> None:
    write_files(tmp_path, **{file: ""})
    if saved_as:
        write_files(tmp_path, data__save_format_d_txt=saved_as)
    info = read_mlmodel(write(tmp_path, "tensorflow", KERAS_IN_TENSORFLOW, data="data")).info

    path = file.replace("__", "/").replace("_d_", ".")
    assert path.startswith(info.data_path)
    assert info.serialization_format == name
    assert info.options["is_compiled"] is is_compiled
    assert info.options["keras_module"] == "tensorflow.keras"
    assert info.executes_code


def test_custom_objects_come_along_and_the_models_own_have_the_last_word(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        data__model_d_keras="",
        data__save_format_d_txt="tf",
        data__custom_objects_d_cloudpickle="",
        data__global_custom_objects_d_cloudpickle="",
    )
    info = read_mlmodel(write(tmp_path, "tensorflow", KERAS_IN_TENSORFLOW, data="data")).info

    wanted = ["data/global_custom_objects.cloudpickle", "data/custom_objects.cloudpickle"]
    assert info.options["custom_objects"] == wanted
    assert set(wanted) < set(files_of(info))


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ({"model_type": "tf3"}, "unknown model_type 'tf3'"),
        ({"model_type": "tf2-module"}, "names no saved_model_dir"),
        ({"saved_model_dir": "m"}, "meta_graph_tags is not a list"),
        ({"model_type": "keras"}, "names no data"),
    ],
)
def test_what_is_wrong_with_a_tensorflow_model_is_said(
    tmp_path: Path, section: dict[str, Any], complaint: str
) -> None:
    (tmp_path / "m").mkdir()
    with pytest.raises(MLmodelInvalid, match=complaint):
        read_mlmodel(write(tmp_path, "tensorflow", section))


def keras_model(folder: Path, **section: Any) -> Path:
    write_files(folder, data__model_d_keras="", data__model__saved_model_d_pb="")
    logged = {"data": "data", "keras_backend": "jax", "keras_version": "3.12.0"}
    return write(folder, "keras", logged | section)


def test_a_keras_file_is_read_with_its_backend_and_may_execute_code(tmp_path: Path) -> None:
    info = read_mlmodel(keras_model(tmp_path)).info

    assert (info.data_path, info.options) == ("data/model.keras", {"backend": "jax"})
    assert info.executes_code


def test_an_exported_keras_model_is_tensorflows(tmp_path: Path) -> None:
    info = read_mlmodel(keras_model(tmp_path, save_exported_model=True)).info

    assert (info.data_path, info.serialization_format) == ("data/model", "saved_model")
    assert info.options == {"backend": "tensorflow"}
    assert info.executes_code


def test_an_unknown_keras_backend_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MLmodelInvalid, match="keras_backend 'abacus'"):
        read_mlmodel(keras_model(tmp_path, keras_backend="abacus"))


@pytest.mark.parametrize(
    ("line", "on_x86_64", "on_arm64"),
    [
        ("tensorflow==2.20.0", "tensorflow-cpu==2.20.0", "tensorflow==2.20.0"),
        ("tensorflow[and-cuda]==2.20.0", "tensorflow-cpu==2.20.0", None),
        ("tensorflow-cpu==2.20.0", "tensorflow-cpu==2.20.0", "tensorflow==2.20.0"),
        ("tensorflow-macos==2.15.0", "tensorflow-cpu==2.15.0", "tensorflow==2.15.0"),
        ("tensorflow-intel==2.15.0", "tensorflow-cpu==2.15.0", "tensorflow==2.15.0"),
        ("torch==2.12.0+cu126", "torch==2.12.0", "torch==2.12.0"),
        ("torch==2.12.0+cpu", "torch==2.12.0+cpu", "torch==2.12.0+cpu"),
        ("torchvision==0.27.0+rocm6.4", "torchvision==0.27.0", "torchvision==0.27.0"),
    ],
)
def test_each_architecture_gets_the_package_that_has_no_cuda(
    tmp_path: Path, line: str, on_x86_64: str, on_arm64: str | None
) -> None:
    folder = torch_model(tmp_path, "data.pkl")
    (folder / "requirements.txt").write_text(line)
    spec = read_mlmodel(folder)

    assert on_x86_64 in inference_requirements(spec, architecture="x86_64").lines
    if on_arm64 is not None:
        assert on_arm64 in inference_requirements(spec, architecture="arm64").lines


@pytest.mark.parametrize("line", ["tensorflow==2.20.0", "torch==2.12.0+cu126"])
def test_only_what_another_package_stands_in_for_is_kept_out(tmp_path: Path, line: str) -> None:
    folder = torch_model(tmp_path, "data.pkl")
    (folder / "requirements.txt").write_text(line)
    requirements = inference_requirements(read_mlmodel(folder), architecture="x86_64")

    left_out = [drop.requirement for drop in requirements.excluded]
    assert left_out == (["tensorflow"] if Requirement(line).name == "tensorflow" else [])
