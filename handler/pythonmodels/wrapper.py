"""A Python model as MLflow calls it: `_PythonModelPyfuncWrapper` of MLflow 3.18."""

import inspect
from typing import Any, Dict, List  # noqa: UP035

from handler.predictor import is_frame
from handler.pythonmodels.exceptions import MlflowException
from handler.pythonmodels.hints import takes_context
from handler.pythonmodels.model import FunctionPythonModel, PythonModelContext

# The two spellings are not equal.
_STRINGS = (List[str], list[str])  # noqa: UP006
_DICTS = (
    List[Dict[str, str]],  # noqa: UP006
    list[Dict[str, str]],  # noqa: UP006
    List[dict[str, str]],  # noqa: UP006
    list[dict[str, str]],
)


class PythonModelWrapper:
    """Hands each argument to a model whose `predict` takes it.

    :param inputs: of the signature; None: there are none.
    """

    def __init__(
        self, model: Any, context: PythonModelContext, inputs: list[dict[str, Any]] | None
    ) -> None:
        self.python_model = model
        self.context = context
        self._inputs = inputs

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Return what the model returns.

        :raises MlflowException: the model takes strings, and there are none.
        """
        parameters = inspect.signature(self.python_model.predict).parameters
        named = {"params": params} if "params" in parameters else {}
        data = self._converted(model_input)
        if takes_context(parameters):
            return self.python_model.predict(self.context, data, **named)
        return self.python_model.predict(data, **named)

    def _converted(self, data: Any) -> Any:
        """Return a DataFrame as the list that the model's hint asks for."""
        hint = self.python_model.predict_type_hints.input
        if not is_frame(data):
            return data
        if hint in _STRINGS:
            return data[_first_string_column(data, must=True)].tolist()
        if hint not in _DICTS:
            return data
        # As with MLflow, such a model cannot predict without a signature.
        inputs: list[dict[str, Any]] = self._inputs  # type: ignore[assignment]
        if len(inputs) == 1 and inputs[0].get("name") is None:
            column = _first_string_column(data)
            if column:
                return data[[column]].to_dict(orient="records")
            if len(data.columns) == 1:
                return data.to_dict("list")[0]
        return data.to_dict(orient="records")


def load_context(
    model: Any, artifacts: dict[str, str], config: dict[str, Any] | None
) -> tuple[Any, PythonModelContext]:
    """Return the model, and its context after the model has loaded it.

    :param model: a Python model, or a function in its place.
    """
    if callable(model):
        model = FunctionPythonModel(model)
    context = PythonModelContext(artifacts, config)
    model.load_context(context)
    return model, context


def _first_string_column(frame: Any, *, must: bool = False) -> Any:
    columns = (name for name, cell in frame.iloc[0].items() if isinstance(cell, str))
    found = next(columns, None)
    if found is None and must:
        raise MlflowException.invalid_parameter_value(
            "Expected model input to contain at least one string column"
        )
    return found
