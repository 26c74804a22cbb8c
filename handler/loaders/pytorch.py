"""Loads PyTorch models, as `mlflow.pytorch` (MLflow 3.18) does."""

import importlib
import itertools
import os
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from handler.errors import ModelLoadError
from handler.loaders.objects import warnings_in_the_log
from handler.manifest import ModelInfo

# Loading, it is the same: `Unpickler` and `load` are pickle's in both.
_MLFLOWS_PICKLE = "mlflow.pytorch.pickle_module"


class PytorchPredictor:
    """A module, eager, in TorchScript or exported, on one device."""

    def __init__(self, module: Any, device: str) -> None:
        self._module = module
        self._device = device
        self._is_forecasting = _is_forecasting_model(module)

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return an ndarray for an ndarray, a DataFrame for a DataFrame.

        Models of pytorch-forecasting take DataFrames alone, and answer with an ndarray.

        :param data: an ndarray, which becomes a tensor of its own dtype, or a DataFrame, which
            becomes one of float32: (rows, columns).
        :param params: become the module's keyword arguments.
        :raises ValueError: params name a device.
        :raises TypeError: data of another kind, or the module does not return one tensor.
        """
        # Imported here: a model of tensors must not pay for pandas.
        import pandas as pd

        if params and "device" in params:
            raise ValueError(_DEVICE)
        is_frame = isinstance(data, pd.DataFrame)
        if not is_frame:
            self._check_array(data)
        with torch.no_grad():
            if self._is_forecasting:
                predicted = self._module.predict(data)
            else:
                values = data.to_numpy(dtype=np.float32) if is_frame else data
                tensor = torch.from_numpy(values).to(self._device)
                predicted = self._module(tensor, **(params or {}))
            if self._device != "cpu":
                predicted = predicted.to("cpu")
            if not isinstance(predicted, torch.Tensor):
                raise TypeError(_ONE_TENSOR.format(type(predicted)))
            if is_frame and not self._is_forecasting:
                return pd.DataFrame(predicted.numpy(), index=data.index)
            return predicted.numpy()

    def _check_array(self, data: Any) -> None:
        if isinstance(data, list | dict):
            raise TypeError(_NO_LISTS)
        if not isinstance(data, np.ndarray):
            raise TypeError("Input data should be pandas.DataFrame or numpy.ndarray")
        if self._is_forecasting:
            raise TypeError(_NO_ARRAYS)


# MLflow's words: they are in the function's log, for those who know them.
_DEVICE = (
    "device' can no longer be specified as an inference parameter. It must be specified at load"
    " time. Please specify the device at load time, for example:"
    " `mlflow.pyfunc.load_model(model_uri, model_config={'device': 'cuda'})`."
)
_NO_LISTS = (
    "The PyTorch flavor does not support List or Dict input types. Please use a pandas.DataFrame"
    " or a numpy.ndarray"
)
_NO_ARRAYS = (
    "The pytorch forecasting model does not support numpy.ndarray input data, please provide"
    " pandas.DataFrame input data."
)
_ONE_TENSOR = "Expected PyTorch model to output a single output tensor, but got output of type '{}'"
_OTHER_DEVICE = (
    "The saved model is exported by `torch.export` API, the original model contains weights /"
    " buffers on '{0}' device, it can't be loaded on '{1}' device. To address this issue, You"
    " should save the model in the following way: `mlflow.pytorch.save_model(model.to('{1}'),"
    " path=..., serialization_format='pt2')`"
)


def load(folder: Path, info: ModelInfo) -> PytorchPredictor:
    """Return the model on its device: `options["device"]`, the deployment's, or the best there is.

    `options["pickle_module"]` names the module that the model was pickled with.

    :raises ModelLoadError: an exported model was saved for another device.
    """
    device = _device(info)
    path = folder / info.data_path
    with warnings_in_the_log(info.data_path):
        if info.serialization_format == "pt2":
            return PytorchPredictor(_load_exported(path, device), device)
        # MLflow names no map_location: what was saved on a GPU it loads on a GPU alone. Torch
        # itself tells a TorchScript archive and hands it to torch.jit.load.
        module = torch.load(
            path, map_location=device, pickle_module=_pickle_module(info), weights_only=False
        )
    module.eval()
    return PytorchPredictor(module.to(device=device), device)


def _device(info: ModelInfo) -> str:
    chosen = info.options["device"] or os.environ.get("MLFLOW_DEFAULT_PREDICTION_DEVICE")
    return chosen or ("cuda" if torch.cuda.is_available() else "cpu")


def _pickle_module(info: ModelInfo) -> ModuleType:
    name = info.options["pickle_module"]
    return pickle if name == _MLFLOWS_PICKLE else importlib.import_module(name)


def _load_exported(path: Path, device: str) -> Any:
    module = torch.export.load(str(path)).module()
    wanted = torch.device(device).type
    for tensor in itertools.chain(module.parameters(), module.buffers()):
        if tensor.device.type != wanted:
            raise ModelLoadError(_OTHER_DEVICE.format(tensor.device.type, wanted))
    return module


def _is_forecasting_model(module: Any) -> bool:
    # A class of its models has imported it.
    package = sys.modules.get("pytorch_forecasting.models")
    base = getattr(package, "BaseModel", None)
    return base is not None and isinstance(module, base)
