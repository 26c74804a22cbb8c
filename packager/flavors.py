"""Read each flavor's section of an `MLmodel` file.

Source: MLflow 3.18, `_load_pyfunc` of `sklearn`, `xgboost`, `lightgbm` and `onnx`; what older
versions left out is filled in as those do.
"""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from handler.manifest import ExecutionProvider, ModelInfo, SerializationFormat
from packager.onnxfile import read_external_files

FLAVOR_OF_LOADER = {
    "mlflow.sklearn": "sklearn",
    "mlflow.xgboost": "xgboost",
    "mlflow.lightgbm": "lightgbm",
    "mlflow.onnx": "onnx",
}
SUPPORTED_FLAVORS = tuple(FLAVOR_OF_LOADER.values())

_SKLEARN_FORMATS = ("skops", "cloudpickle", "pickle", "joblib")
_BOOSTER = "lightgbm.basic.Booster"
# What MLflow takes for a model that names none. On Lambda the first is never there.
_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")

_Section = dict[str, Any]


def read_flavor(name: str, pyfunc: _Section, flavor: _Section, issues: list[str]) -> ModelInfo:
    """Return what the sections of `python_function` and of the flavor say of the model's file.

    :param name: one of `SUPPORTED_FLAVORS`.
    :param issues: everything that is wrong is added here.
    """
    return _READERS[name](pyfunc, flavor, issues)


def external_files(folder: Path, info: ModelInfo, issues: list[str]) -> list[str]:
    """Return the names of the files beside its data file that belong to the model.

    :param folder: the model's; its data file exists.
    """
    if info.serialization_format != "onnx":
        return []
    try:
        names = read_external_files(folder / info.data_path)
    except ValueError as error:
        issues.append(f"{info.data_path} is not an ONNX file: {error}")
        return []
    return [str(PurePosixPath(info.data_path).parent / name) for name in names]


def _read_sklearn(pyfunc: _Section, flavor: _Section, issues: list[str]) -> ModelInfo:
    data_path = pyfunc.get("model_path") or pyfunc.get("data") or flavor.get("pickled_model")
    predict_fn = pyfunc.get("predict_fn", "predict")
    if not isinstance(predict_fn, str) or not predict_fn.isidentifier():
        issues.append(f"predict_fn {predict_fn!r} is not a method name")
    return ModelInfo(
        flavor="sklearn",
        data_path=_path(data_path, "flavor 'python_function' names no model_path", issues),
        # Absent in early files: MLflow's loader then takes pickle.
        serialization_format=_format(flavor, "pickle", _SKLEARN_FORMATS, issues),
        predict_fn=predict_fn,
        trusted_types=_trusted_types(flavor, issues),
    )


def _read_xgboost(pyfunc: _Section, flavor: _Section, issues: list[str]) -> ModelInfo:
    data_path = _path(flavor.get("data"), "flavor 'xgboost' names no data", issues)
    model_class = flavor.get("model_class", "xgboost.core.Booster")
    if not _is_class_name(model_class):
        issues.append(f"model_class {model_class!r} is not the name of a class")
    # XGBoost goes by the file's extension too, and takes any other for a format of its own.
    formats: dict[str, SerializationFormat] = {"ubj": "ubj", "json": "json"}
    return ModelInfo(
        flavor="xgboost",
        data_path=data_path,
        serialization_format=formats.get(data_path.rpartition(".")[2], "xgb"),
        model_class=model_class,
    )


def _read_lightgbm(pyfunc: _Section, flavor: _Section, issues: list[str]) -> ModelInfo:
    data_path = _path(flavor.get("data"), "flavor 'lightgbm' names no data", issues)
    if flavor.get("model_class", _BOOSTER) == _BOOSTER:
        return ModelInfo("lightgbm", data_path, "lgb")
    return ModelInfo(
        flavor="lightgbm",
        data_path=data_path,
        serialization_format=_format(flavor, "cloudpickle", _SKLEARN_FORMATS, issues),
        trusted_types=_trusted_types(flavor, issues),
    )


def _read_onnx(pyfunc: _Section, flavor: _Section, issues: list[str]) -> ModelInfo:
    options = flavor.get("onnx_session_options") or None
    if options is not None and not isinstance(options, dict):
        issues.append("onnx_session_options is not a mapping")
    return ModelInfo(
        flavor="onnx",
        data_path=_path(
            pyfunc.get("data") or flavor.get("data"), "flavor 'onnx' names no data", issues
        ),
        serialization_format="onnx",
        providers=_providers(flavor.get("providers"), issues),
        session_options=options,
    )


_READERS: dict[str, Callable[[_Section, _Section, list[str]], ModelInfo]] = {
    "sklearn": _read_sklearn,
    "xgboost": _read_xgboost,
    "lightgbm": _read_lightgbm,
    "onnx": _read_onnx,
}


def _path(value: Any, complaint: str, issues: list[str]) -> str:
    if isinstance(value, str):
        return value
    issues.append(complaint)
    return ""


def _format(
    flavor: _Section, default: str, known: tuple[str, ...], issues: list[str]
) -> SerializationFormat:
    name = flavor.get("serialization_format", default)
    for known_format in get_args(SerializationFormat):
        if name == known_format and name in known:
            found: SerializationFormat = known_format
            return found
    issues.append(f"unknown serialization_format {name!r}")
    return "pickle"


def _trusted_types(flavor: _Section, issues: list[str]) -> tuple[str, ...]:
    names = flavor.get("skops_trusted_types") or []
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return tuple(names)
    issues.append("skops_trusted_types is not a list of names")
    return ()


def _is_class_name(value: Any) -> bool:
    return (
        isinstance(value, str)
        and "." in value
        and all(part.isidentifier() for part in value.split("."))
    )


def _providers(value: Any, issues: list[str]) -> tuple[ExecutionProvider, ...]:
    """Return the providers of a list of names and `[name, options]` pairs, or of one name."""
    providers = []
    for item in [value] if isinstance(value, str) else value or _PROVIDERS:
        match item:
            case str(name):
                providers.append(ExecutionProvider(name))
            case [str(name), dict(options)]:
                providers.append(ExecutionProvider(name, options))
            case _:
                issues.append(f"providers names {item!r}, which is no execution provider")
    return tuple(providers)
