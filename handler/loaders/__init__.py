"""Loading a model: one module per flavor, imported only for the flavor that is there."""

import contextlib
import importlib
import logging
import sys
from dataclasses import replace
from pathlib import Path

from handler.errors import HandlerError, ModelLoadError
from handler.manifest import ModelInfo
from handler.predictor import Predictor

FLAVORS = ("sklearn", "xgboost", "lightgbm", "onnx")
"""The flavors that this handler can load; each is a module of this package."""

_PROGRAM = "handler.engines.program"

_logger = logging.getLogger(__name__)


def load_model(folder: Path, info: ModelInfo) -> Predictor:
    """Return the model in a folder, ready to predict.

    The files must have been checked against the manifest before: loading most formats runs
    code that they hold.

    :param folder: the MLflow model folder.
    :raises ModelLoadError: the flavor is unknown, or its library is missing or refuses the file.
    """
    engine = info.engine
    if engine.name != "exact" and engine.data_path is not None:
        # Imported here: the logged model itself does not need it.
        from handler.engines.program import read_program

        return read_program(folder / engine.data_path)
    if info.flavor not in FLAVORS:
        raise ModelLoadError(
            f"this handler cannot load flavor {info.flavor!r}; it knows {', '.join(FLAVORS)}"
        )
    if engine.data_path is not None:
        info = replace(info, data_path=engine.data_path, serialization_format="pickle")
    if info.code_path is not None:
        _make_importable(folder / info.code_path)
    loader = importlib.import_module(f"{__name__}.{info.flavor}")
    try:
        predictor: Predictor = loader.load(folder, info)
    except HandlerError:
        raise
    except ModuleNotFoundError as error:
        raise ModelLoadError(
            f"{info.data_path} needs the module {error.name!r}, which is not in the bundle:"
            " add the package that has it to the model's requirements and build again"
        ) from error
    except Exception as error:
        # Unpickling can raise anything. The text of the error may hold a path or data, so
        # only its type goes into the message; the log has the rest.
        _logger.exception("loading %s failed", info.data_path)
        raise ModelLoadError(
            f"{info.data_path} cannot be read as {info.serialization_format}"
            f" ({type(error).__name__}): is the file whole, and was the model saved with"
            " the versions in the bundle?"
        ) from error
    return predictor


def import_ahead(info: ModelInfo) -> None:
    """Import what loading the model will import, while its files are on their way.

    What fails here fails again, and is reported, when the model is loaded.
    """
    engine = info.engine
    loader = f"{__name__}.{info.flavor}" if engine.name == "exact" else _PROGRAM
    for module in (loader, *engine.modules):
        with contextlib.suppress(Exception):
            importlib.import_module(module)


def _make_importable(folder: Path) -> None:
    # In front, as MLflow has it; not twice, for a load that failed is tried again.
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
