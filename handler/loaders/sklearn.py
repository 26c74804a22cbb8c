"""Loads scikit-learn models: the formats of `mlflow.sklearn`, and joblib for bare files."""

import inspect
import logging
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from handler.errors import ModelLoadError
from handler.manifest import ModelInfo

_logger = logging.getLogger(__name__)


class SklearnPredictor:
    """An estimator behind the method that the model was logged with."""

    def __init__(self, method: Callable[..., Any], *, takes_params: bool) -> None:
        self._method = method
        self._takes_params = takes_params

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return what the estimator's method returns."""
        if self._takes_params:
            return self._method(data, params=params)
        return self._method(data)


def load(folder: Path, info: ModelInfo) -> SklearnPredictor:
    """Return the estimator, bound to `info.predict_fn`.

    :raises ModelLoadError: the file holds types that are not trusted, or an object without
        the method.
    """
    with warnings.catch_warnings(record=True) as caught:
        # scikit-learn warns when the model comes from another version of it; that belongs
        # in the log and must not end the load where warnings are errors.
        warnings.simplefilter("always")
        estimator = _read(folder / info.data_path, info)
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        _logger.warning("loading %s: %s", info.data_path, message)
    method = getattr(estimator, info.predict_fn, None)
    if not callable(method):
        raise ModelLoadError(
            f"{info.data_path} holds a {type(estimator).__name__}, which has no method"
            f" {info.predict_fn!r}"
        )
    return SklearnPredictor(method, takes_params=_takes_params(method, info.predict_fn))


def _takes_params(method: Callable[..., Any], name: str) -> bool:
    # mlflow.sklearn's wrapper drops params on the way to `predict`, and hands them to any
    # other method that names such a parameter.
    if name == "predict":
        return False
    try:
        parameter = inspect.signature(method).parameters.get("params")
    except (TypeError, ValueError):
        return False
    return parameter is not None and parameter.kind is not inspect.Parameter.VAR_KEYWORD


def _read(path: Path, info: ModelInfo) -> Any:
    if info.serialization_format == "skops":
        return _read_skops(path, info.trusted_types)
    if info.serialization_format == "joblib":
        # Imported here: only this format needs it.
        import joblib

        return joblib.load(path)
    with path.open("rb") as file:
        if info.serialization_format == "cloudpickle":
            import cloudpickle

            return cloudpickle.load(file)
        return pickle.load(file)


def _read_skops(path: Path, trusted: tuple[str, ...]) -> Any:
    # Imported here: it costs a second on top of scikit-learn, and only this format needs it.
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return skops.io.load(path, trusted=list(trusted))
    except UntrustedTypesFoundException as error:
        untrusted = sorted(set(skops.io.get_untrusted_types(file=path)) - set(trusted))
        raise ModelLoadError(
            f"{path.name} holds types that the model does not trust: {', '.join(untrusted)}."
            " If they are safe, log the model with them in skops_trusted_types"
        ) from error
