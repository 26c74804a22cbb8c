"""Python models as users write them, to be pickled by value as a notebook's are.

Importing this imports MLflow, which warns of its own type hints: under a filter, therefore.
"""

from pathlib import Path
from typing import Dict, List  # noqa: UP035

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from mlflow.types.type_hints import TypeFromExample


class WithContext(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.weights = np.load(context.artifacts["weights"])
        self.is_absolute = Path(context.artifacts["weights"]).is_absolute()

    def predict(self, context, model_input, params=None):
        config = context.model_config
        return {"y": model_input.to_numpy() @ self.weights, "params": params, "config": config}


class WithoutContext(mlflow.pyfunc.PythonModel):
    def predict(self, model_input):
        return model_input * 2


class OtherNames(mlflow.pyfunc.PythonModel):
    def predict(self, ctx, rows):
        return [type(ctx).__name__, rows.to_dict()]


class Strings(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: List[str], params=None):  # noqa: UP006
        return [type(model_input).__name__, model_input]


class Dicts(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: List[Dict[str, str]], params=None):  # noqa: UP006
        return [type(model_input).__name__, model_input]


class FromText(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: "list[dict[str, str]]", params=None):
        return [type(model_input).__name__, model_input]


class LikeExample(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: TypeFromExample, params=None):
        return [type(model_input).__name__, str(model_input)]


class Refuses(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        if len(model_input) == 1:
            raise MlflowException.invalid_parameter_value("too few", field="kept")
        raise MlflowException("gone", RESOURCE_DOES_NOT_EXIST)


class Streams(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return list(self.predict_stream(context, model_input))

    def predict_stream(self, context, model_input):
        yield from range(len(model_input))


class NoStream(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        try:
            return self.predict_stream(context, model_input)
        except NotImplementedError:
            return [str(self._get_type_hints().input), str(self.predict_type_hints.output)]


def doubled(model_input):
    return model_input * 2


def shouted(model_input: list[str]) -> list[str]:
    return [text.upper() for text in model_input]


class Wrapped(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.model = mlflow.sklearn.load_model(context.artifacts["inner"])

    def predict(self, context, model_input, params=None):
        return self.model.predict(model_input), params
