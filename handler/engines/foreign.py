"""Steps that another library computes, for models that a user wants compiled with it."""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

from typing import Any

import numpy as np

from handler.engines.program import Compute, Step


def _treelite(step: Step) -> Compute:
    """Array: `model`, bytes of treelite's own format. Option: `dtype`, of its thresholds.

    Returns rows x outputs. Source: treelite 4, `treelite.gtil`, which calls for no compiler.
    """
    # Imported here, as below: only these programs have the library in their bundle.
    import treelite

    model = treelite.Model.deserialize_bytes(step.arrays["model"].tobytes())
    dtype = np.dtype(step.options["dtype"])

    def predict(data: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        rows = np.ascontiguousarray(data, dtype)
        # More threads than one row at a time can use cost more than they bring.
        scores = treelite.gtil.predict(model, rows, nthread=1)
        return np.asarray(scores).reshape(len(rows), -1)

    return predict


def _onnx(step: Step) -> Compute:
    """Array: `model`, bytes of an ONNX file with one input. Options: `dtype`, of the input;
    `output`, which one it is; `result_dtype`; `is_flat`, whether one column becomes 1-D.
    """  # noqa: D205
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        step.arrays["model"].tobytes(), options, providers=["CPUExecutionProvider"]
    )
    given = session.get_inputs()[0].name
    wanted = session.get_outputs()[int(step.options["output"])].name
    dtype, result_dtype = np.dtype(step.options["dtype"]), np.dtype(step.options["result_dtype"])
    is_flat = bool(step.options["is_flat"])

    def predict(data: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        feeds = {given: np.ascontiguousarray(data, dtype)}
        result = np.asarray(session.run([wanted], feeds)[0]).astype(result_dtype)
        return result.reshape(len(result)) if is_flat else result

    return predict
