"""Finding an ONNX model's external data, in files that the `onnx` package wrote."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from packager.errors import MLmodelInvalid, ModelIncomplete
from packager.model.mlmodel import read_mlmodel
from packager.model.onnx_files import read_external_files


def outside(location: str) -> Any:
    """Return a tensor whose bytes are in a file of this name."""
    tensor = numpy_helper.from_array(np.ones(2, np.float32), location)
    set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    return tensor


def graph(name: str, *tensors: Any, nodes: Any = ()) -> Any:
    return helper.make_graph(list(nodes), name, [], [], initializer=list(tensors))


def test_external_data_is_found_wherever_a_tensor_may_be(tmp_path: Path) -> None:
    branch = graph("branch", outside("in a branch"))
    attributes = {
        "value": outside("in a constant"),
        "values": [outside("in a list")],
        "then_branch": branch,
        "branches": [graph("other", outside("in a list of branches"))],
    }
    sparse = helper.make_sparse_tensor(outside("sparse"), outside("indices"), [2])
    node = helper.make_node("Op", [], [], sparse=sparse, many=[sparse], **attributes)
    function = helper.make_function(
        "d", "F", [], [], [helper.make_node("Constant", [], ["c"], value=outside("function"))], []
    )
    inside = numpy_helper.from_array(np.ones((50, 50)), "inside")
    top = graph("graph", inside, outside("at the top"), outside("at the top"), nodes=[node])
    top.sparse_initializer.append(helper.make_sparse_tensor(outside("s"), outside("t"), [2]))
    model = helper.make_model(top, functions=[function])
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    assert read_external_files(tmp_path / "model.onnx") == (
        "at the top",
        "function",
        "in a branch",
        "in a constant",
        "in a list",
        "in a list of branches",
        "indices",
        "s",
        "sparse",
        "t",
    )


def test_a_model_in_one_file_has_none(tmp_path: Path) -> None:
    inside = numpy_helper.from_array(np.ones((500, 500)), "inside")
    model = helper.make_model(graph("graph", inside))
    onnx.save_model(model, tmp_path / "model.onnx")
    assert read_external_files(tmp_path / "model.onnx") == ()


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_file_that_is_cut_off_is_no_model(tmp_path: Path, cut: int) -> None:
    data = helper.make_model(graph("graph", outside("weights" * 30))).SerializeToString()
    (tmp_path / "model.onnx").write_bytes(data[:-cut])
    with pytest.raises(ValueError, match=r"cut off|starts no field"):
        read_external_files(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 20, b"\x00\x07", b"\x09\x01", b"hello", b"\x3a\x03\x0a\x09"]
)
def test_other_files_are_no_models(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"it is|starts no field"):
        read_external_files(tmp_path / "model.onnx")


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    # A graph in an attribute in a node in a graph, a thousand times over.
    message = b""
    for number in (6, 5, 1) * 1000:
        size = len(message)
        head = bytes([number << 3 | 2, size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])
        message = head + message
    tag = bytes([7 << 3 | 2, len(message) & 0x7F | 0x80, len(message) >> 7 & 0x7F | 0x80])
    (tmp_path / "model.onnx").write_bytes(tag + bytes([len(message) >> 14]) + message)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_external_files(tmp_path / "model.onnx")


def write_model(folder: Path, location: str) -> Path:
    document = {
        "flavors": {
            "python_function": {"loader_module": "mlflow.onnx", "data": "data/model.onnx"},
            "onnx": {"data": "data/model.onnx"},
        }
    }
    (folder / "data").mkdir(parents=True)
    (folder / "MLmodel").write_text(yaml.safe_dump(document))
    model = helper.make_model(graph("graph", outside(location)))
    (folder / "data" / "model.onnx").write_bytes(model.SerializeToString())
    return folder


def test_external_data_is_pinned_with_the_model(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model", "weights/all.bin")
    (folder / "data" / "weights").mkdir()
    (folder / "data" / "weights" / "all.bin").write_bytes(b"12345678")
    files = read_mlmodel(folder).info.files
    assert [entry.path for entry in files] == [
        "MLmodel",
        "data/model.onnx",
        "data/weights/all.bin",
    ]


@pytest.mark.parametrize(
    ("location", "issue"),
    [
        ("gone.bin", "data/gone.bin is named but missing"),
        ("../../secret", "not a path inside the model folder"),
        ("/etc/passwd", "not a path inside the model folder"),
    ],
)
def test_external_data_that_is_missing_or_elsewhere_is_named(
    tmp_path: Path, location: str, issue: str
) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    with pytest.raises((MLmodelInvalid, ModelIncomplete), match=issue):
        read_mlmodel(write_model(tmp_path / "model", location))


def test_weights_are_skipped_unread(tmp_path: Path) -> None:
    big = helper.make_tensor("w", TensorProto.FLOAT, [0], b"", raw=True)
    data = helper.make_model(graph("graph", big)).SerializeToString()
    path = tmp_path / "model.onnx"
    # A field of 8 GiB of zeros, which takes no room on the disk.
    size = 8 << 30
    head = bytes([99 << 3 & 0x7F | 2 | 0x80, 99 >> 4])
    length = bytes([0x80, 0x80, 0x80, 0x80, size >> 28])
    with path.open("wb") as file:
        file.write(data + head + length)
        file.truncate(len(data + head + length) + size)
    assert read_external_files(path) == ()
