"""Loads models of flavors that have no loader here: MLflow itself does, and is in the bundle.

Source: `mlflow.pyfunc.load_model` (MLflow 3.18), which calls `_load_pyfunc` of the module that
the MLmodel file names. The signature is enforced by then, and not once more. `info.options`
(`packager/model/flavors/fallback.py` fills it in) are those of `python_function`, and

- `is_offline`: whether the Hugging Face Hub must not be asked;
- `program`: one that the flavor starts, and the function has to have: `java`; or None.
"""

import contextlib
import importlib
import shutil
from pathlib import Path

from handler.errors import ModelLoadError
from handler.loaders import python_function
from handler.loaders.mlflowitself import prepare_mlflow
from handler.manifest import ModelInfo
from handler.predictor import Predictor


def load(folder: Path, info: ModelInfo) -> Predictor:
    """Return the model as MLflow loads it.

    :raises ModelLoadError: the flavor needs a program that is not there.
    """
    program = info.options["program"]
    if program is not None and shutil.which(program) is None:
        raise ModelLoadError(
            f"{info.options['loader_module']} starts the program {program!r}, which Lambda's"
            " Python runtimes do not have: it takes a container image of your own with it"
        )
    prepare_mlflow(is_offline=info.options["is_offline"])
    return python_function.load(folder, info)


def import_ahead(info: ModelInfo) -> None:
    """Import MLflow and the flavor's library while the model's files are on their way."""
    prepare_mlflow(is_offline=info.options["is_offline"])
    # Most of MLflow's modules bear the name of the library that they import when they load.
    for module in (info.options["loader_module"], info.flavor):
        with contextlib.suppress(Exception):
            importlib.import_module(module)
