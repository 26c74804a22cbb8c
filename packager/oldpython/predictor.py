"""Loads models of older Pythons: a loader as the handler's others are, with a worker behind it."""

import sys
from pathlib import Path
from typing import Any

from handler.errors import ModelLoadError
from handler.manifest import ModelInfo

from .stand_ins import Libraries, Session

_LIBRARIES = ("sklearn", "xgboost", "lightgbm")


class OldPredictor:
    """A model that lives in another Python."""

    def __init__(self, session: Session) -> None:
        self.model = session.model
        """A stand-in of the estimator or Booster."""
        self._predict = session.predict

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return what the model predicts there; params are ignored.

        :param data: a DataFrame or an ndarray.
        """
        return self._predict(data)


def load(folder: Path, info: ModelInfo) -> OldPredictor:
    """Return the model, loaded by the interpreter that `info.options["python"]` names.

    :raises ModelLoadError: it cannot be loaded there; says why.
    """
    request = {
        "flavor": info.flavor,
        "format": info.serialization_format,
        "path": str(folder.resolve() / info.data_path),
        "predict_fn": info.predict_fn,
        "trusted": list(info.trusted_types),
        "code_path": info.code_path and str(folder.resolve() / info.code_path),
        "model_class": info.options.get("model_class"),
    }
    try:
        session = Session(info.options["python"], request)
    except Exception as error:  # of any kind: the model raised it
        raise ModelLoadError(
            f"{info.data_path} cannot be loaded under its own Python:"
            f" {type(error).__name__}: {error}"
        ) from error
    Libraries(session, [name for name in _LIBRARIES if name not in sys.modules]).install()
    return OldPredictor(session)
