"""Loads Python models of the user's own, and whatever names a loader of its own.

Source: `mlflow.pyfunc.load_model`, `PyFuncModel._predict` and `_PythonModelPyfuncWrapper` (MLflow
3.18). `info.options` (`packager/model/flavors/python_function.py` fills it in):

- `loader_module`: as the MLmodel file names it;
- `has_mlflow`: whether MLflow itself is in the bundle and loads the model; `reason` says why;
- `artifacts`: paths relative to the model folder, by name;
- `config`: MLflow's `model_config`, or None;
- `compression`: of the pickle, or None; `cloudpickle`: the version that wrote it;
- `example`: for a model that takes what its input example was: `list` (of scalars) or
  `records`; None: the data stays as it is.
"""

import importlib
import inspect
import json
import logging
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from handler.errors import ModelLoadError
from handler.loaders.objects import warnings_in_the_log
from handler.manifest import ModelInfo
from handler.predictor import is_frame

_logger = logging.getLogger(__name__)

CODE = "code"
PICKLE = "cloudpickle"
OPENERS = {None: "builtins", "gzip": "gzip", "bzip2": "bz2", "lzma": "lzma"}
"""The modules whose `open` reads a compressed pickle."""


class PythonFunctionPredictor:
    """What a loader returned, behind the method that the model was logged with."""

    def __init__(self, implementation: Any, method: str, example: str | None = None) -> None:
        self.model = implementation
        self._predict = getattr(implementation, method)
        parameter = inspect.signature(self._predict).parameters.get("params")
        self._takes_params = (
            parameter is not None and parameter.kind is not inspect.Parameter.VAR_KEYWORD
        )
        self._example = example

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return what the model returns; params reach it where it takes them."""
        if self._example is not None:
            data = as_in_example(data, self._example)
        if self._takes_params:
            return self._predict(data, params=params)
        return self._predict(data)


def load(folder: Path, info: ModelInfo) -> PythonFunctionPredictor:
    """Return the model, its context loaded.

    :raises ModelLoadError: what was loaded has no such method.
    """
    config = _config(info.options["config"], os.environ)
    is_pythons = info.serialization_format in (CODE, PICKLE)
    with warnings_in_the_log(info.data_path):
        load_it = _without_mlflow if _is_stood_in_for(info) and is_pythons else _by_loader
        implementation = load_it(folder, info, config)
    if not callable(getattr(implementation, info.predict_fn, None)):
        raise ModelLoadError(
            f"{info.options['loader_module']} returns a {type(implementation).__name__}, which"
            f" has no method {info.predict_fn!r}"
        )
    return PythonFunctionPredictor(implementation, info.predict_fn, info.options["example"])


def import_ahead(info: ModelInfo) -> None:
    """Import what loads the model while its files are on their way: MLflow takes a second."""
    if _is_stood_in_for(info):
        importlib.import_module("handler.pythonmodels.wrapper")
    elif info.options["loader_module"].startswith("mlflow."):
        from handler.loaders.mlflowitself import prepare_mlflow

        prepare_mlflow()
        importlib.import_module(info.options["loader_module"])


def _is_stood_in_for(info: ModelInfo) -> bool:
    """Return whether the small modules are in MLflow's place; put them there if need be."""
    if info.options["has_mlflow"]:
        return False
    # Imported here: with MLflow in the bundle nothing of it is needed.
    from handler.pythonmodels.modules import make_importable

    return make_importable()


def _without_mlflow(folder: Path, info: ModelInfo, config: dict[str, Any] | None) -> Any:
    # Imported here, as above.
    from handler.pythonmodels.wrapper import PythonModelWrapper, load_context

    path = folder / info.data_path
    if info.serialization_format == CODE:
        from handler.pythonmodels.code import run_model_code

        model = run_model_code(path, config)
    else:
        with _open(path, info.options["compression"]) as file:
            model = pickle.load(file)
    artifacts = {name: str(folder / path) for name, path in info.options["artifacts"].items()}
    model, context = load_context(model, artifacts, config)
    return PythonModelWrapper(model, context, (info.signature or {}).get("inputs"))


def _by_loader(folder: Path, info: ModelInfo, config: dict[str, Any] | None) -> Any:
    """Load the model as `mlflow.pyfunc.load_model` does."""
    # Imported here: most models do without MLflow.
    from handler.loaders.mlflowitself import prepare_mlflow

    prepare_mlflow()
    loader = importlib.import_module(info.options["loader_module"])
    is_whole = info.serialization_format in (CODE, PICKLE)
    path = str(folder if is_whole else folder / info.data_path)
    return loader._load_pyfunc(path, config) if config else loader._load_pyfunc(path)


def _open(path: Path, compression: str | None) -> IO[bytes]:
    opener: IO[bytes] = importlib.import_module(OPENERS[compression]).open(path, "rb")
    return opener


def _config(logged: dict[str, Any] | None, environ: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the configuration with the environment's values for the keys that it has.

    The variables are those of MLflow's scoring server.
    """
    changed: dict[str, Any] = {}
    for variable in ("MLFLOW_PYFUNC_INFERENCE_CONFIG", "SERVING_MODEL_CONFIG"):
        changed.update(json.loads(environ.get(variable) or "{}") or {})
    unknown = sorted(changed.keys() - (logged or {}).keys())
    if unknown:
        _logger.warning("the model's configuration has no %s", ", ".join(unknown))
    known = {key: value for key, value in changed.items() if key not in unknown}
    return {**logged, **known} if logged else None


def as_in_example(data: Any, example: str) -> Any:
    """Return the rows of a DataFrame as the list that the input example was."""
    if not is_frame(data):
        return data
    if example == "list" and len(data.columns) == 1:
        return data.iloc[:, 0].tolist()
    return data.to_dict(orient="records")
