"""Models from code: a Python file that makes the model and calls `set_model`.

Source: `_load_model_code_path` of `mlflow/models/utils.py`, `set_model` of
`mlflow/models/model.py` and `mlflow/models/model_config.py` (MLflow 3.18).
"""

import importlib.util
import sys
import uuid
from pathlib import Path
from typing import Any

from handler.errors import ModelLoadError
from handler.pythonmodels.exceptions import MlflowException
from handler.pythonmodels.model import PythonModel


class _Loading:
    """What the file that is being run asks for and sets."""

    config: dict[str, Any] | str | None = None
    """None while no file is run; "" where the model was logged without a configuration."""
    model: Any = None


class ModelConfig:
    """The model's configuration, for the code that makes it.

    :param development_config: not used while a logged model is loaded; afterwards a dict is
        taken, and no path: the handler reads no YAML.
    :raises FileNotFoundError: there is no configuration.
    """

    def __init__(self, *, development_config: str | dict[str, Any] | None = None) -> None:
        self.config = development_config if _Loading.config is None else _Loading.config
        if not self.config or not isinstance(self.config, dict):
            raise FileNotFoundError(
                "Config file is not provided which is needed to load the model. "
                "Please provide a valid path."
            )

    def to_dict(self) -> Any:
        """Return the whole of it."""
        return self.config

    def get(self, key: str) -> Any:
        """Return the value of a key at the top.

        :raises KeyError: there is none.
        """
        if key in self.to_dict():
            return self.to_dict()[key]
        raise KeyError(f"Key '{key}' not found in configuration: {self.config}.")


def set_model(model: Any) -> None:
    """Name the model that the file makes.

    :raises MlflowException: it is neither a Python model nor a function.
    """
    if isinstance(model, str) or not (isinstance(model, PythonModel) or callable(model)):
        raise MlflowException(
            "Model should either be an instance of PyFuncModel, Langchain type, or LlamaIndex"
            " index."
        )
    _Loading.model = model


def run_model_code(path: Path, config: dict[str, Any] | None) -> Any:
    """Run the file and return the model that it sets: a Python model or a function.

    :raises MlflowException: it sets none.
    :raises ModelLoadError: it is no Python file.
    """
    name = f"code_model_{uuid.uuid4().hex}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModelLoadError(f"{path.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pickle and typing look a class's module up
    _Loading.config, _Loading.model = config or "", None
    try:
        spec.loader.exec_module(module)
    finally:
        _Loading.config = None
    if _Loading.model is None:
        raise MlflowException(
            "If the model is logged as code, ensure the model is set using "
            "mlflow.models.set_model() within the code file code file."
        )
    return _Loading.model
