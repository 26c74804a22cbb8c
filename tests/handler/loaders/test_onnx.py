"""ONNX models predict as under MLflow, for each kind of input and option."""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow.onnx
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from mlflow.models import infer_signature
from onnx import TensorProto, helper, numpy_helper

from handler.errors import HandlerError, ModelLoadError
from handler.loaders.load import load_model
from handler.manifest import ModelInfo
from handler.requests.model_errors import as_handler_error
from tests.support.mlflow_twins import save_and_load, table

FRAME = table()
WEIGHTS = np.random.default_rng(2).normal(size=(4, 300)).astype(np.float32)


def model(nodes: list[Any], inputs: dict[str, Any], outputs: dict[str, Any], *weights: Any) -> Any:
    """Return a model with these nodes; inputs and outputs are `(type, shape)` by name."""
    described = [
        [helper.make_tensor_value_info(name, *spec) for name, spec in part.items()]
        for part in (inputs, outputs)
    ]
    graph = helper.make_graph(nodes, "graph", *described, list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def dense(element_type: int = TensorProto.FLOAT) -> Any:
    """Return a model whose weights are large enough for a file of their own."""
    dtype = helper.tensor_dtype_to_np_dtype(element_type)
    return model(
        [
            helper.make_node("MatMul", ["x", "W"], ["hidden"]),
            helper.make_node("ReduceSum", ["hidden", "axes"], ["y"], keepdims=1),
        ],
        {"x": (element_type, [None, 4])},
        {"y": (element_type, [None, 1])},
        numpy_helper.from_array(WEIGHTS.astype(dtype), "W"),
        numpy_helper.from_array(np.array([1]), "axes"),
    )


def by_column() -> Any:
    """Return a model with an input per column, of different types, and two outputs."""
    return model(
        [
            helper.make_node("Mul", ["a", "b"], ["product"]),
            helper.make_node("Add", ["n", "n"], ["twice"]),
        ],
        {
            "a": (TensorProto.FLOAT, [None]),
            "b": (TensorProto.FLOAT, [None]),
            "n": (TensorProto.INT64, [None]),
        },
        {"product": (TensorProto.FLOAT, [None]), "twice": (TensorProto.INT64, [None])},
    )


def saver(onnx_model: Any, **more: Any) -> Callable[[Path], None]:
    def save(folder: Path) -> None:
        mlflow.onnx.save_model(onnx_model, folder, pip_requirements=["onnxruntime"], **more)

    return save


@pytest.mark.parametrize("save_as_external_data", [True, False])
def test_a_table_predicts_as_under_mlflow(tmp_path: Path, save_as_external_data: bool) -> None:
    signature = infer_signature(FRAME, pd.DataFrame({"y": [0.5]}))
    save = saver(dense(), signature=signature, save_as_external_data=save_as_external_data)
    twins = save_and_load(save, tmp_path / "model")
    assert len(twins.info.files) == (3 if save_as_external_data else 2)
    assert not twins.info.executes_code
    twins.assert_alike(table(seed=1))
    twins.assert_answers_alike(table(seed=1))


def test_what_the_signature_makes_float64_stays_so_where_the_model_takes_it(
    tmp_path: Path,
) -> None:
    twins = save_and_load(saver(dense(TensorProto.DOUBLE)), tmp_path / "model")
    twins.assert_alike(table(seed=1))


def test_arrays_and_dicts_predict_as_under_mlflow(tmp_path: Path) -> None:
    twins = save_and_load(saver(dense()), tmp_path / "model")
    for dtype in (np.float32, np.float64):
        array = table(seed=1).to_numpy(dtype)
        twins.assert_alike(array)
        twins.assert_alike({"x": array})
    answer = twins.scorer.score(json.dumps({"inputs": [[1, 2, 3, 4.5]]}).encode(), None)
    expected = twins.judge.predict(np.array([[1, 2, 3, 4.5]]))["y"].tolist()
    assert json.loads(answer.body) == {"predictions": {"y": expected}}


@pytest.mark.filterwarnings("ignore:.*integer column:UserWarning")
def test_each_column_is_an_input_of_its_own_as_under_mlflow(tmp_path: Path) -> None:
    frame = table(seed=1)[["b", "a"]].assign(n=np.arange(250), more="text")
    signature = infer_signature(frame[["a", "b", "n"]])
    twins = save_and_load(saver(by_column(), signature=signature), tmp_path / "model")
    twins.assert_alike(frame)
    twins.assert_answers_alike(frame[["a", "b", "n"]])


def test_one_array_for_several_inputs_is_refused_in_mlflows_words(tmp_path: Path) -> None:
    twins = save_and_load(saver(by_column()), tmp_path / "model")
    array = np.ones((3, 3))
    with pytest.raises(mlflow.MlflowException) as expected:
        twins.judge.predict(array)
    with pytest.raises(HandlerError) as answer:
        twins.scorer.score(json.dumps({"inputs": array.tolist()}).encode(), None)
    judged = as_handler_error(expected.value)
    assert (answer.value.status, answer.value.to_json()) == (judged.status, judged.to_json())


def test_what_is_neither_table_nor_tensor_is_the_callers_mistake(tmp_path: Path) -> None:
    twins = save_and_load(saver(dense()), tmp_path / "model")
    with pytest.raises(TypeError):
        twins.judge.predict([[1.0, 2.0]])
    with pytest.raises(TypeError, match="takes no list"):
        twins.ours.predict([[1.0, 2.0]], {})


def test_outputs_of_other_lengths_fail_as_under_mlflow(tmp_path: Path) -> None:
    wide = model(
        [helper.make_node("Identity", ["x"], ["y"]), helper.make_node("Shape", ["x"], ["shape"])],
        {"x": (TensorProto.FLOAT, [None, 4])},
        {"y": (TensorProto.FLOAT, [None, 4]), "shape": (TensorProto.INT64, [2])},
    )
    twins = save_and_load(saver(wide), tmp_path / "model")
    for predict in (twins.judge.predict, lambda data: twins.ours.predict(data, {})):
        with pytest.raises(ValueError, match="same length"):
            predict(FRAME)
    twins.assert_alike(FRAME.to_numpy())


def test_options_and_providers_reach_the_session(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = {
        "execution_mode": "parallel",
        "inter_op_num_threads": 2,
        "intra_op_num_threads": 1,
        "graph_optimization_level": 1,
        "extra_session_config": {"session.set_denormal_as_zero": "1"},
    }
    providers = ["CUDAExecutionProvider", ["CPUExecutionProvider", {"use_arena": "0"}]]
    save = saver(dense(), onnx_session_options=options, onnx_execution_providers=providers)
    twins = save_and_load(save, tmp_path / "model")
    assert twins.info.options["session_options"] == options
    assert twins.info.options["providers"][1] == ["CPUExecutionProvider", {"use_arena": "0"}]
    twins.assert_alike(table(seed=1))
    session = twins.ours.model  # type: ignore[attr-defined]
    theirs = twins.judge._model_impl.rt
    for name in ("execution_mode", "inter_op_num_threads", "graph_optimization_level"):
        ours = getattr(session.get_session_options(), name)
        assert ours == getattr(theirs.get_session_options(), name)
    assert session.get_provider_options() == theirs.get_provider_options()
    with caplog.at_level(logging.INFO, "handler"):
        load_model(tmp_path / "model", twins.info)
    assert "logged for CUDAExecutionProvider too" in caplog.text


def test_a_provider_that_cannot_start_leaves_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    twins = save_and_load(saver(dense()), tmp_path / "model")
    # ONNX Runtime warns of a provider that it does not have, and warnings are errors here.
    names = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
    predictor = load_model(tmp_path / "model", twins.info)
    assert "predicting on the CPU" in caplog.text
    assert predictor.predict(FRAME, {}).equals(twins.judge.predict(FRAME))


def test_the_loader_needs_no_onnx_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twins = save_and_load(saver(dense()), tmp_path / "model")
    monkeypatch.setitem(sys.modules, "onnx", None)
    load_model(tmp_path / "model", twins.info).predict(FRAME, {})


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelLoadError, match="cannot be read as onnx"):
        load_model(tmp_path, ModelInfo("onnx", "model.onnx", "onnx"))


def test_a_model_without_its_external_data_is_refused(tmp_path: Path) -> None:
    onnx.save_model(
        dense(), tmp_path / "model.onnx", save_as_external_data=True, location="weights"
    )
    (tmp_path / "weights").unlink()
    with pytest.raises(ModelLoadError):
        load_model(tmp_path, ModelInfo("onnx", "model.onnx", "onnx"))
