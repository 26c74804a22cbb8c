"""The file of a compiled model: what is read from it, and what of a damaged one is said."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from handler.engines import trees
from handler.engines.program import ALIGNMENT, MAGIC, read_program
from handler.errors import ModelLoadError
from packager.engine.converter.builder import Builder
from packager.engine.converter.forests import Tree, forest_step

CHECK = {"op": "check", "dtype": "float64", "allow_nan": True, "features": 2}


def labels(classes: Any) -> tuple[Builder, list[dict[str, Any]]]:
    builder = Builder()
    step = {"op": "labels", "arrays": {"classes": builder.add(classes)}}
    return builder, [CHECK, step]


def header_of(path: Path) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    end = 16 + int.from_bytes(data[8:16], "little")
    start = -(-end // ALIGNMENT) * ALIGNMENT
    return json.loads(data[16:end]), data[start:]


def write(path: Path, header: Any, arrays: bytes) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    head = MAGIC + len(text).to_bytes(8, "little") + text
    path.write_bytes(head + bytes(-len(head) % ALIGNMENT) + arrays)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A program that names the larger of two columns."""
    builder, steps = labels(np.array(["first", "second"], dtype=object))
    builder.write(tmp_path / "compiled.arrays", steps)
    return tmp_path / "compiled.arrays"


@pytest.mark.parametrize(
    "classes",
    [
        np.array(["a", "long"]),
        np.array(["", "größer"], dtype=object),
        np.array([7, -(2**62)]),
        np.array([True, False]),
        np.array([0.5, np.inf], dtype=np.float32),
    ],
)
def test_classes_keep_their_values_and_their_type(classes: Any, tmp_path: Path) -> None:
    builder, steps = labels(classes)
    builder.write(tmp_path / "x.arrays", steps)

    predicted = read_program(tmp_path / "x.arrays").predict(np.array([[0.0, 1], [1, 0]]), None)

    assert predicted.dtype == classes.dtype
    assert predicted.tolist() == classes[[1, 0]].tolist()
    assert all(type(value) is type(classes[0]) for value in predicted)


def test_a_program_takes_a_frame_where_it_takes_an_array(path: Path) -> None:
    program = read_program(path)

    assert program.predict(pd.DataFrame({"a": [1, 0], "b": [0, 1]}), None).tolist() == [
        "first",
        "second",
    ]


def test_a_program_of_columns_takes_them_by_name_from_whatever_holds_them(path: Path) -> None:
    header, arrays = header_of(path)
    header["columns"] = ["a", "b"]
    header["steps"].insert(0, {"op": "matrix"})
    write(path, header, arrays)
    program = read_program(path)
    columns = {"b": np.array([0.0, 1.0]), "other": np.array([5.0, 5.0]), "a": np.array([1.0, 0.0])}

    for data in (columns, pd.DataFrame(columns), np.array([[1.0, 0.0], [0.0, 1.0]])):
        assert program.predict(data, None).tolist() == ["first", "second"]


def set_array(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(header: dict[str, Any]) -> None:
        header["arrays"][0][name] = value

    return change


def set_header(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(header: dict[str, Any]) -> None:
        header[name] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        set_header("format", 2),
        set_header("steps", [{"op": "os.system"}]),
        set_header("steps", [{"arrays": {}}]),
        set_header("steps", 3),
        set_header("arrays", []),
        set_array("dtype", "O"),
        set_array("dtype", "nonsense"),
        set_array("shape", [1_000]),
        set_array("shape", [-1]),
        set_array("shape", [2**62, 2**62]),
        set_array("offset", 64),
        set_array("offset", 8),
        set_array("offset", -64),
        lambda header: header.pop("columns"),
    ],
)
def test_a_damaged_header_is_a_model_that_cannot_be_loaded(
    change: Callable[[dict[str, Any]], None], path: Path
) -> None:
    header, arrays = header_of(path)
    change(header)
    write(path, header, arrays)

    with pytest.raises(ModelLoadError, match=r"compiled\.arrays .*build the bundle again"):
        read_program(path)


@pytest.mark.parametrize("length", [0, 1, 8, 15, 16, 60, 200])
def test_a_file_that_is_cut_off_cannot_be_loaded(length: int, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:length])

    with pytest.raises(ModelLoadError):
        read_program(path)


@pytest.mark.parametrize("header", [b"[]", b"{", b"\xff\xfe", b"null", b'{"format": 1}'])
def test_a_header_that_is_no_header_cannot_be_loaded(header: bytes, path: Path) -> None:
    write(path, header, b"")

    with pytest.raises(ModelLoadError):
        read_program(path)


def test_another_file_and_none_at_all_cannot_be_loaded(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04" + path.read_bytes()[4:])
    with pytest.raises(ModelLoadError, match="does not begin as one"):
        read_program(path)

    path.unlink()
    with pytest.raises(ModelLoadError):
        read_program(path)


def stump() -> Tree:
    return Tree(
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        feature=np.array([1, 0, 0]),
        threshold=np.array([0.5, 0.0, 0.0]),
        missing_left=np.array([True, False, False]),
        values=np.array([[0.0], [10.0], [20.0]]),
    )


def test_a_forest_adds_what_each_tree_gives_to_its_own_output(tmp_path: Path) -> None:
    builder = Builder()
    base = np.array([1.0, 2.0])
    step = forest_step(builder, [stump()] * 3, [0, 1, 1], base, columns=2)
    builder.write(tmp_path / "x.arrays", [step])

    rows = np.array([[9, 0.5], [9, np.nextafter(0.5, 1)], [9, np.nan]])
    predicted = read_program(tmp_path / "x.arrays").predict(rows, None)

    assert predicted.tolist() == [[11.0, 22.0], [21.0, 42.0], [11.0, 22.0]]
    assert builder.edges[1].tolist() == [0.5]


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("nodes", np.zeros((6, 3), "<u4")),
        ("nodes", np.zeros((6, 4), "<i8")),
        ("roots", np.array([99], "<u4")),
        ("targets", np.array([1], "<u4")),
        ("targets", np.zeros(0, "<u4")),
    ],
)
def test_a_forest_whose_parts_do_not_fit_together_cannot_be_loaded(
    name: str, array: Any, tmp_path: Path
) -> None:
    builder = Builder()
    step = forest_step(builder, [stump()], [0], np.zeros(1), columns=2)
    step["arrays"][name] = builder.add(array)
    builder.write(tmp_path / "x.arrays", [step])

    with pytest.raises(ModelLoadError, match=r"forest|tree"):
        read_program(tmp_path / "x.arrays")


def test_an_array_that_is_used_twice_is_stored_once(tmp_path: Path) -> None:
    builder = Builder()

    assert builder.add(np.arange(3.0)) == builder.add(np.arange(3.0)) == 0
    assert builder.add(np.arange(3)) == 1
    assert builder.add(np.array(["0"])) != builder.add(np.array(["0"], dtype=object))


def test_a_native_library_that_cannot_be_loaded_costs_time_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "native").mkdir()
    for architecture in ("x86_64", "arm64"):
        (tmp_path / "native" / f"trees-{architecture}.so").write_bytes(b"no library")
    monkeypatch.setattr(trees, "__file__", str(tmp_path / "trees.py"))
    builder = Builder()
    step = forest_step(builder, [stump()], [0], np.zeros(1), columns=2)
    builder.write(tmp_path / "x.arrays", [step])

    predicted = read_program(tmp_path / "x.arrays").predict(np.array([[0.0, 0.0]]), None)

    assert predicted.tolist() == [[10.0]]
    assert "walked slowly" in caplog.text
