"""The classes that Python models are made of.

Source: `mlflow/pyfunc/model.py` of MLflow 3.18. Pickles name these classes, so what is in
their instances is MLflow's: `func`, `signature`, `_predict_type_hints`.
"""

import inspect
from abc import abstractmethod
from typing import Any

from handler.pythonmodels.hints import TypeHints, extract_type_hints, takes_context
from handler.pythonmodels.wrapping import read_hint, validated


class PythonModel:
    """A model whose `predict` is the user's own."""

    def load_context(self, context: "PythonModelContext") -> None:
        """Load the artifacts; called once, when the model is loaded."""

    @property
    def predict_type_hints(self) -> TypeHints:
        """The hints of `predict`, as they were when the model was logged."""
        if not hasattr(self, "_predict_type_hints"):
            parameters = inspect.signature(self.predict).parameters
            index = 1 if takes_context(parameters) else 0
            self._predict_type_hints = extract_type_hints(self.predict, index)
        return self._predict_type_hints

    def _get_type_hints(self) -> TypeHints:
        return self.predict_type_hints

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if getattr(cls, "_skip_type_hint_validation", False):
            return
        predict = cls.__dict__.get("predict")
        if callable(predict):
            cls.predict = validated(predict, read_hint(predict))  # type: ignore[method-assign]

    @abstractmethod
    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the predictions."""

    def predict_stream(
        self, context: Any, model_input: Any, params: dict[str, Any] | None = None
    ) -> Any:
        """Return the predictions one after the other; no route asks for that."""
        raise NotImplementedError


class FunctionPythonModel(PythonModel):
    """A function that was logged in place of a model."""

    _skip_type_hint_validation = True  # the function below is what is validated

    def __init__(self, func: Any, signature: Any = None) -> None:
        self.signature = signature
        is_validated = getattr(func, "_is_pyfunc", False)
        self.func = func if is_validated else validated(func, read_hint(func))

    @property
    def predict_type_hints(self) -> TypeHints:
        """The function's hints."""
        if not hasattr(self, "_predict_type_hints"):
            self._predict_type_hints = extract_type_hints(self.func, 0)
        return self._predict_type_hints

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:  # type: ignore[override]
        """Return what the function returns, which takes no params."""
        return self.func(model_input)


class PythonModelContext:
    """The artifacts and the configuration that a model was logged with."""

    def __init__(self, artifacts: dict[str, str], model_config: dict[str, Any] | None) -> None:
        self._artifacts = artifacts
        self._model_config = model_config

    @property
    def artifacts(self) -> dict[str, str]:
        """Absolute paths by the artifacts' names."""
        return self._artifacts

    @property
    def model_config(self) -> dict[str, Any] | None:
        """MLflow's `model_config`; None where there is none, or an empty one."""
        return self._model_config
