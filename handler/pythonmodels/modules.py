"""The names of MLflow's that are here, and the modules that have them."""

import importlib.machinery
import importlib.util
import sys
from types import ModuleType
from typing import Any

from handler.pythonmodels import code, exceptions, hints, model, wrapping


class _HasMembers(type):
    """Python 3.11.2 pickles a member of an enumeration as an attribute of its class."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return cls()


class Recorded(metaclass=_HasMembers):
    """A part of a signature inside a pickled function model, which nothing reads."""

    def __init__(self, *args: object) -> None:
        pass


_ERRORS = {"MlflowException": exceptions.MlflowException}
_MODELS = {"PythonModel": model.PythonModel, "PythonModelContext": model.PythonModelContext}
_FROM_CODE = {"ModelConfig": code.ModelConfig, "set_model": code.set_model}
NAMES: dict[str, dict[str, Any]] = {
    "mlflow": _ERRORS,
    "mlflow.exceptions": _ERRORS,
    "mlflow.models": _FROM_CODE,
    "mlflow.models.model": {"set_model": code.set_model},
    "mlflow.models.model_config": {"ModelConfig": code.ModelConfig},
    "mlflow.models.signature": {"_TypeHints": hints.TypeHints},
    "mlflow.protos": {},
    "mlflow.protos.databricks_pb2": exceptions.ERROR_CODES,
    "mlflow.pyfunc": _MODELS,
    "mlflow.pyfunc.model": {**_MODELS, "_FunctionPythonModel": model.FunctionPythonModel},
    "mlflow.pyfunc.utils": {"pyfunc": wrapping.pyfunc},
    "mlflow.pyfunc.utils.data_validation": {
        "FuncInfo": wrapping.FuncInfo,
        "_validate_model_input": wrapping.validate_model_input,
        "pyfunc": wrapping.pyfunc,
    },
    "mlflow.types": {},
    "mlflow.types.schema": {},
    "mlflow.types.type_hints": {"TypeFromExample": wrapping.TypeFromExample},
}
"""What a model may name and find here, by module."""
SIGNATURES: dict[str, tuple[str, ...]] = {
    "mlflow.models.signature": ("ModelSignature",),
    "mlflow.types.schema": (
        *("AnyType", "Array", "ColSpec", "DataType", "Map", "Object", "ParamSchema", "ParamSpec"),
        *("Property", "Schema", "SparkMLVector", "TensorInfo", "TensorSpec"),
    ),
}
"""Names that may only stand in the signature that a function was logged with."""


_placed: dict[str, ModuleType] = {}


def make_importable() -> bool:
    """Put the modules in MLflow's place; return whether they are there.

    False: MLflow itself is installed, brought along by a package that the model requires. Then
    its classes are the ones to use, for there must not be two of a kind.
    """
    if _placed and sys.modules.get("mlflow") is _placed["mlflow"]:
        return True
    if "mlflow" in sys.modules or importlib.util.find_spec("mlflow") is not None:
        return False
    place()
    return True


def place() -> None:
    """Put the modules in MLflow's place, whether or not it is installed."""
    for name, members in NAMES.items():
        module = ModuleType(name, "Stands in for MLflow; see handler/pythonmodels.")
        # Libraries ask by the spec whether MLflow is installed.
        module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        vars(module).update(members)
        vars(module).update(dict.fromkeys(SIGNATURES.get(name, ()), Recorded))
        _placed[name] = sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
