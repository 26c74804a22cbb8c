"""Loads ONNX models into ONNX Runtime, as `mlflow.onnx` (MLflow 3.18) does.

MLflow checks the model with the `onnx` package too before it logs it; serving needs only
`onnxruntime`.
"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from handler.errors import ModelRefusal
from handler.manifest import ModelInfo

_logger = logging.getLogger(__name__)

_CPU = "CPUExecutionProvider"


class OnnxPredictor:
    """A session of ONNX Runtime."""

    def __init__(self, session: "onnxruntime.InferenceSession") -> None:
        self.model = session
        """The session."""
        self._inputs = {item.name: item.type for item in session.get_inputs()}
        self._outputs = [item.name for item in session.get_outputs()]

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return a DataFrame for a DataFrame, else a dict of the outputs by name.

        MLflow's wrapper ignores params.

        :raises ModelRefusal: one array for a model of several inputs.
        """
        # Imported here: a model of tensors must not pay for pandas.
        import pandas as pd

        feeds = self._feeds(data)
        for name, type_name in self._inputs.items():
            # JSON has one kind of float: what comes as float64 may have been float32.
            feed = feeds.get(name)
            if type_name == "tensor(float)" and feed is not None and feed.dtype == np.float64:
                feeds[name] = feed.astype(np.float32)
        predicted = self.model.run(self._outputs, feeds)
        if not isinstance(data, pd.DataFrame):
            return dict(zip(self._outputs, predicted, strict=True))
        columns = [np.asarray(output).reshape(-1) for output in predicted]
        return pd.DataFrame.from_dict(dict(zip(self._outputs, columns, strict=True)))

    def _feeds(self, data: Any) -> dict[str, Any]:
        import pandas as pd

        if isinstance(data, dict):
            return dict(data)
        if isinstance(data, np.ndarray):
            if len(self._inputs) != 1:
                raise ModelRefusal(_ONE_ARRAY.format(len(self._inputs), list(self._inputs)))
            return {next(iter(self._inputs)): data}
        if not isinstance(data, pd.DataFrame):
            raise TypeError(f"an ONNX model takes no {type(data).__name__}")
        if len(self._inputs) == 1:
            return {next(iter(self._inputs)): data.values}
        return {name: data[name].values for name in self._inputs}


# MLflow's words: clients may know them.
_ONE_ARRAY = (
    "Unable to map numpy array input to the expected model input. Numpy arrays can only be used"
    " as input for MLflow ONNX models that have a single input. This model requires {} inputs."
    " Please pass in data as either a dictionary or a DataFrame with the following tensors: {}."
)


def load(folder: Path, info: ModelInfo) -> OnnxPredictor:
    """Return the model in a session with the providers and options that it was logged with."""
    path = str(folder / info.data_path)
    options = _session_options(info.options["session_options"] or {})
    available = onnxruntime.get_available_providers()
    logged = info.options["providers"]
    providers = [(name, options) for name, options in logged if name in available] or [(_CPU, {})]
    missing = [name for name, _ in logged if name not in available]
    if missing:
        _logger.info("the model was logged for %s too, not available here", ", ".join(missing))
    try:
        session = onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception:
        if providers == [(_CPU, {})]:
            raise
        _logger.exception("the model's providers cannot be used: predicting on the CPU")
        session = onnxruntime.InferenceSession(path, options, providers=[_CPU])
    return OnnxPredictor(session)


def _session_options(logged: dict[str, Any]) -> "onnxruntime.SessionOptions":
    """Return the options that MLflow passes on; falsy ones are ONNX Runtime's defaults."""
    options = onnxruntime.SessionOptions()
    for name in ("inter_op_num_threads", "intra_op_num_threads"):
        if logged.get(name):
            setattr(options, name, logged[name])
    mode = str(logged.get("execution_mode") or "").upper()
    if mode in ("SEQUENTIAL", "PARALLEL"):
        options.execution_mode = getattr(onnxruntime.ExecutionMode, f"ORT_{mode}")
    if level := logged.get("graph_optimization_level"):
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel(level)
    for key, value in (logged.get("extra_session_config") or {}).items():
        options.add_session_config_entry(key, value)
    return options
