"""Loads Keras 3 models, as `mlflow.keras` (MLflow 3.18) does, with the backend as logged."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from handler.errors import ModelRefusal
from handler.loaders.objects import warnings_in_the_log
from handler.manifest import ModelInfo


class KerasPredictor:
    """A Keras model, or what TensorFlow makes of an exported one."""

    def __init__(self, model: Any, call: Callable[[Any], Any]) -> None:
        # Both: the function of an exported model alone would not keep its variables alive.
        self._model = model
        self._call = call

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return an ndarray, for a DataFrame a DataFrame; MLflow's wrapper ignores params.

        :raises ModelRefusal: data of another kind.
        """
        # Imported here: `load` has to choose Keras's backend first, and a model of tensors must
        # not pay for pandas.
        import keras
        import pandas as pd

        if isinstance(data, pd.DataFrame):
            return pd.DataFrame(self._call(data.values), index=data.index)
        if not isinstance(data, np.ndarray | list | tuple | dict):
            raise ModelRefusal.invalid_parameter(_INPUT_TYPES.format(type(data)))
        return keras.ops.convert_to_numpy(self._call(data))


# MLflow's words: clients may know them.
_INPUT_TYPES = "`data` must be one of: ['ndarray', 'list', 'tuple', 'dict'], but received type: {}."


def load(folder: Path, info: ModelInfo) -> KerasPredictor:
    """Return the model; `options["backend"]` computes, unless the deployment names another."""
    if backend := info.options["backend"]:
        os.environ.setdefault("KERAS_BACKEND", backend)
    path = str(folder / info.data_path)
    # Imported here: Keras reads the variable once. In this order, for keras imports tensorflow
    # where that is its backend.
    import keras

    # Else each prediction writes a progress bar into the function's log.
    keras.utils.disable_interactive_logging()
    with warnings_in_the_log(info.data_path):
        if info.serialization_format == "saved_model":
            import tensorflow as tf

            loaded = tf.saved_model.load(path)
            return KerasPredictor(loaded, loaded.serve)
        model = keras.saving.load_model(path, custom_objects=None)
    return KerasPredictor(model, model.predict)
