"""Loads TensorFlow models, as `mlflow.tensorflow` (MLflow 3.18) does.

Three kinds: modules of TensorFlow 2, Keras models that were logged with this flavor, and
estimators of TensorFlow 1.
"""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from handler.errors import ModelRefusal
from handler.loaders.objects import warnings_in_the_log
from handler.manifest import ModelInfo
from handler.predictor import Predictor


class ModulePredictor:
    """A `tf.Module` out of a SavedModel."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return an ndarray where the module returns a tensor, else what it returns.

        :param data: an ndarray or a list, which becomes one tensor. MLflow's wrapper ignores
            params.
        :raises ModelRefusal: data of another kind.
        """
        if not isinstance(data, np.ndarray | list):
            raise ModelRefusal(_NO_ARRAY.format(type(data)))
        predicted = self._module(tf.convert_to_tensor(data))
        return predicted.numpy() if isinstance(predicted, tf.Tensor) else predicted


class EstimatorPredictor:
    """One signature of a SavedModel."""

    def __init__(self, loaded: Any, signature: str) -> None:
        # Both: the signature alone would not keep its variables alive.
        self._loaded = loaded
        self._infer = loaded.signatures[signature]

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return the outputs by name: a dict for a dict, a DataFrame for a DataFrame.

        MLflow's wrapper ignores params. An output of shape (rows, 1) is flattened.

        :raises TypeError: data of another kind.
        """
        # Imported here: a model of tensors must not pay for pandas.
        import pandas as pd

        if isinstance(data, dict):
            feeds = {name: tf.constant(value) for name, value in data.items()}
        elif isinstance(data, pd.DataFrame):
            feeds = {name: tf.constant(_column(data[name])) for name in list(data)}
        else:
            raise TypeError("Only dict and DataFrame input types are supported")
        outputs = self._infer(**feeds)
        predicted = {name: _output(tensor.numpy()) for name, tensor in outputs.items()}
        return predicted if isinstance(data, dict) else pd.DataFrame.from_dict(predicted)


class KerasPredictor:
    """A Keras model that was logged with the flavor of TensorFlow."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return what the model predicts, for a DataFrame a DataFrame.

        MLflow's wrapper ignores params.

        :raises ModelRefusal: data of another kind.
        """
        # Imported here: a model of tensors must not pay for pandas.
        import pandas as pd

        if isinstance(data, pd.DataFrame):
            return pd.DataFrame(self._model.predict(data.values), index=data.index)
        if not isinstance(data, np.ndarray | list | tuple | dict):
            raise ModelRefusal.invalid_parameter(_INPUT_TYPES.format(type(data)))
        return self._model.predict(data)


# MLflow's words: clients may know them.
_NO_ARRAY = "Unsupported input data type: {}, the input data must be numpy array or a list."
_INPUT_TYPES = (
    "Unsupported input data type: {}. Must be one of: ['ndarray', 'list', 'tuple', 'dict']"
)


def load(folder: Path, info: ModelInfo) -> Predictor:
    """Return the model; `options["model_type"]` says which kind it is.

    An estimator's `options["tags"]` and `options["signature"]` select what of the SavedModel
    predicts. A Keras model's are `keras_module`, the name of the module that loads it,
    `is_compiled`, and `custom_objects`, paths of cloudpickled dicts relative to the model folder.
    """
    path = str(folder / info.data_path)
    with warnings_in_the_log(info.data_path):
        match info.options["model_type"]:
            case "tf2-module":
                return ModulePredictor(tf.saved_model.load(path))
            case "tf1-estimator":
                loaded = tf.saved_model.load(path, tags=info.options["tags"])
                return EstimatorPredictor(loaded, info.options["signature"])
        return KerasPredictor(_load_keras_model(folder, info))


def _load_keras_model(folder: Path, info: ModelInfo) -> Any:
    models = importlib.import_module(f"{info.options['keras_module']}.models")
    # Else each prediction writes a progress bar into the function's log.
    tf.keras.utils.disable_interactive_logging()
    objects: dict[str, Any] = {}
    for name in info.options["custom_objects"]:
        # Imported here: few models have any.
        import cloudpickle

        objects |= cloudpickle.loads((folder / name).read_bytes())
    return models.load_model(
        str(folder / info.data_path), custom_objects=objects, compile=info.options["is_compiled"]
    )


def _column(values: Any) -> Any:
    # Columns of one name come as a DataFrame.
    return values.values if values.ndim == 2 else np.array(values.to_list())


def _output(values: Any) -> Any:
    if values.ndim != 1 and all(len(element) == 1 for element in values):
        return values.ravel()
    return values.tolist()
