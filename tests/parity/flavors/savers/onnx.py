"""ONNX models made by hand: a tensor, a table, named inputs, several outputs, external data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow.onnx
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec
from onnx import TensorProto, helper, numpy_helper

REQUIREMENTS = (
    "numpy==1.26.4",
    "onnx==1.16.2",
    "onnxruntime==1.16.3",  # the last whose wheel loads with glibc 2.26
    "pandas==2.3.2",
)
COLUMNS = ["height", "width", "depth"]
WEIGHTS = np.random.default_rng(5).normal(size=(3, 2)).astype("float32")


def rows(variant: str, count: int, seed: int) -> Any:
    random = np.random.default_rng(seed)
    if variant == "tensor":
        return random.normal(size=(count, 3)).astype("float32")
    if variant == "named":
        left, right = random.normal(size=(2, count, 3)).astype("float32")
        return {"left": left, "right": right}
    return pd.DataFrame(random.normal(size=(count, 3)).astype("float32"), columns=COLUMNS)


def _save(
    variant: str,
    folder: Path,
    nodes: Sequence[Any],
    inputs: Sequence[tuple[str, int]],
    outputs: Sequence[tuple[str, int]],
    schema: Schema,
    **how: Any,
) -> None:
    def tensors(named: Sequence[tuple[str, int]]) -> list[Any]:
        make = helper.make_tensor_value_info
        shapes = {name: [None, width] if width else [None] for name, width in named}
        return [make(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]

    weights = [numpy_helper.from_array(WEIGHTS, "weights")]
    graph = helper.make_graph(nodes, variant, tensors(inputs), tensors(outputs), weights)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    example = rows(variant, 3, seed=1)
    mlflow.onnx.save_model(
        model,
        folder,
        signature=ModelSignature(inputs=schema),
        input_example=example,
        pip_requirements=list(REQUIREMENTS),
        **how,
    )


_SCORES = helper.make_node("MatMul", ["rows", "weights"], ["scores"])
_SMOOTH = helper.make_node("Sigmoid", ["scores"], ["smooth"])
_FLOATS = Schema([ColSpec("float", name) for name in COLUMNS])


def _tensor_spec(name: str | None = None) -> TensorSpec:
    return TensorSpec(np.dtype("float32"), (-1, 3), name)


def _tensor(folder: Path) -> None:
    schema = Schema([_tensor_spec()])
    _save("tensor", folder, [_SCORES], [("rows", 3)], [("scores", 2)], schema)


def _table(folder: Path) -> None:
    outputs = [("scores", 2), ("smooth", 2)]
    _save("table", folder, [_SCORES, _SMOOTH], [("rows", 3)], outputs, _FLOATS)


def _columns(folder: Path) -> None:
    """Each column is an input of its own."""
    nodes = [
        helper.make_node("Add", ["height", "width"], ["sum"]),
        helper.make_node("Mul", ["sum", "depth"], ["scores"]),
    ]
    inputs = [(name, 0) for name in COLUMNS]
    _save("columns", folder, nodes, inputs, [("scores", 0)], _FLOATS)


def _named(folder: Path) -> None:
    added = helper.make_node("Add", ["left", "right"], ["rows"])
    inputs = [("left", 3), ("right", 3)]
    outputs = [("scores", 2), ("rows", 3)]
    schema = Schema([_tensor_spec("left"), _tensor_spec("right")])
    _save("named", folder, [added, _SCORES], inputs, outputs, schema)


def _external_data(folder: Path) -> None:
    schema, how = _FLOATS, {"save_as_external_data": True}
    _save("external_data", folder, [_SCORES], [("rows", 3)], [("scores", 2)], schema, **how)


MODELS = {
    "tensor": _tensor,
    "table": _table,
    "columns": _columns,
    "named": _named,
    "external_data": _external_data,
}
