"""Load a model by the module of its flavor."""

import contextlib
import importlib
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path

from handler.errors import HandlerError, ModelLoadError
from handler.manifest import ModelInfo
from handler.predictor import Predictor

_PROGRAM = "handler.engines.program"

_logger = logging.getLogger(__name__)


def load_model(folder: Path, info: ModelInfo) -> Predictor:
    """Return the model in a folder, ready to predict.

    The files must have been checked against the manifest before: loading most formats runs
    code that they hold.

    :param folder: the MLflow model folder.
    :raises ModelLoadError: the flavor's library is missing or refuses the file.
    """
    engine = info.engine
    if engine.name != "exact" and engine.data_path is not None:
        # Imported here: the logged model itself does not need it.
        from handler.engines.program import read_program

        return read_program(folder / engine.data_path)
    if engine.data_path is not None:
        info = replace(info, data_path=engine.data_path, serialization_format="pickle")
    if info.code_path is not None and info.own_python is None:
        _make_importable(folder / info.code_path)
    name, what = _loader_name(info), info.data_path or "the model"
    try:
        loader = importlib.import_module(name)
        predictor: Predictor = loader.load(folder, info)
    except HandlerError:
        raise
    except ModuleNotFoundError as error:
        if error.name == name:
            raise ModelLoadError(
                f"this handler has no loader for flavor {info.flavor!r}"
            ) from error
        raise ModelLoadError.without_module(what, error.name) from error
    except Exception as error:
        # Unpickling can raise anything. The text of the error may hold a path or data, so
        # only its type goes into the message; the log has the rest.
        _logger.exception("loading %s failed", what)
        if isinstance(error, FileNotFoundError) and error.filename is not None:
            lacking = Path(os.fsdecode(error.filename)).name
            raise ModelLoadError(
                f"loading {what} needs a file that is not there: {lacking}"
            ) from error
        raise ModelLoadError(
            f"{what} cannot be read as {info.serialization_format}"
            f" ({type(error).__name__}): is the file whole, and was the model saved with"
            " the versions in the bundle?"
        ) from error
    return predictor


def import_ahead(info: ModelInfo) -> None:
    """Import what loading the model will import, while its files are on their way.

    What fails here fails again, and is reported, when the model is loaded.
    """
    engine = info.engine
    loader = _loader_name(info) if engine.name == "exact" else _PROGRAM
    for module in (loader, *engine.modules):
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    ahead = getattr(sys.modules.get(loader), "import_ahead", None)
    if ahead is not None:
        ahead(info)


def _loader_name(info: ModelInfo) -> str:
    if info.own_python is not None:
        return f"{__package__}.own_python"
    return f"{__package__}.{info.options.get('loader', info.flavor)}"


def _make_importable(folder: Path) -> None:
    # In front, as MLflow has it; not twice, for a load that failed is tried again.
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
