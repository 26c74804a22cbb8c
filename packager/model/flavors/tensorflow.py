"""TensorFlow. Source: `_load_pyfunc` of `mlflow.tensorflow` (MLflow 3.18), and older files."""

from pathlib import Path, PurePosixPath
from typing import Any

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Flavor, Format
from packager.model.flavors.sections import Sections

_KERAS_MODULE = "keras_module.txt"
_SAVE_FORMAT = "save_format.txt"
_CUSTOM_OBJECTS = ("global_custom_objects.cloudpickle", "custom_objects.cloudpickle")
"""In this order: what both name is the latter's."""
_SAFE = "log a Keras model with mlflow.keras, another one converted with mlflow.onnx"


def _read(sections: Sections) -> ModelInfo:
    # Without one: MLflow before 1.28, which logged nothing but estimators with this flavor.
    match sections.flavor.get("model_type", "tf1-estimator"):
        case "keras":
            return _keras(sections)
        case "tf2-module":
            options: dict[str, Any] = {"model_type": "tf2-module"}
        case "tf1-estimator":
            options = {
                "model_type": "tf1-estimator",
                "tags": _tags(sections),
                "signature": sections.path(
                    sections.flavor.get("signature_def_key"),
                    "flavor 'tensorflow' names no signature_def_key",
                ),
            }
        case unknown:
            sections.issues.append(f"unknown model_type {unknown!r}")
            options = {}
    return ModelInfo(
        flavor="tensorflow",
        data_path=sections.path(
            sections.flavor.get("saved_model_dir"), "flavor 'tensorflow' names no saved_model_dir"
        ),
        serialization_format="saved_model",
        options=options,
    )


def _tags(sections: Sections) -> list[str]:
    tags = sections.flavor.get("meta_graph_tags")
    if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
        return tags
    sections.issues.append("meta_graph_tags is not a list of names")
    return []


def _keras(sections: Sections) -> ModelInfo:
    data = sections.path(sections.pyfunc.get("data"), "flavor 'python_function' names no data")
    folder = sections.folder / data
    # Absent in early files: MLflow's loader takes these.
    keras_module = _text(folder / _KERAS_MODULE, "tensorflow.keras")
    saved_as = _text(folder / _SAVE_FORMAT, "h5")
    stem = PurePosixPath(data) / "model" if folder.is_dir() else PurePosixPath(data)
    name = f"{stem}.h5" if saved_as == "h5" else str(stem)
    if saved_as != "h5" and (sections.folder / f"{stem}.keras").exists():
        name = f"{stem}.keras"
    if not all(part.isidentifier() for part in keras_module.split(".")):
        sections.issues.append(f"{_KERAS_MODULE} has {keras_module[:100]!r}, which names no module")
    return ModelInfo(
        flavor="tensorflow",
        data_path=name if data else "",
        serialization_format={".h5": "h5", ".keras": "keras"}.get(name[name.rfind(".") :])
        or "saved_model",
        options={
            "model_type": "keras",
            "keras_module": keras_module,
            "is_compiled": saved_as == "tf",
            "custom_objects": [
                f"{data}/{file}" for file in _CUSTOM_OBJECTS if (folder / file).is_file()
            ],
        },
    )


def _text(path: Path, default: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return default


def _files(folder: Path, info: ModelInfo, issues: list[str]) -> list[str]:
    """Return the names of the files with the model's custom objects."""
    return list(info.options.get("custom_objects", ()))


FLAVOR = Flavor(
    name="tensorflow",
    loader_module="mlflow.tensorflow",
    formats=(
        Format("saved_model", True, f"a graph may read and write files: {_SAFE}"),
        Format("keras", True, f"custom objects are pickled beside it: {_SAFE}"),
        Format("h5", True, f"Keras's safe mode does not cover it: {_SAFE}"),
    ),
    read=_read,
    files=_files,
)
