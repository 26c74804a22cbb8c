"""Keras 3. Source: `_load_pyfunc` of `mlflow.keras` (MLflow 3.18)."""

from pathlib import PurePosixPath

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Flavor, Format
from packager.model.flavors.sections import Sections

_BACKENDS = ("tensorflow", "torch", "jax", "numpy")
_ONNX = "convert the model and log it with mlflow.onnx"


def _read(sections: Sections) -> ModelInfo:
    flavor = sections.flavor
    data = PurePosixPath(sections.path(flavor.get("data", "model"), "flavor 'keras' names no data"))
    stem = data / "model" if (sections.folder / data).is_dir() else data
    is_exported = flavor.get("save_exported_model") is True
    backend = flavor.get("keras_backend")
    if backend is not None and backend not in _BACKENDS:
        sections.issues.append(f"keras_backend {backend!r} is none of {', '.join(_BACKENDS)}")
    return ModelInfo(
        flavor="keras",
        data_path=str(stem) if is_exported else f"{stem}.keras",
        serialization_format="saved_model" if is_exported else "keras",
        # None: Keras's own choice.
        options={"backend": "tensorflow" if is_exported else backend},
    )


FLAVOR = Flavor(
    name="keras",
    loader_module="mlflow.keras",
    formats=(
        # CVE-2025-1550, 8747, 9906, 12058; and a TFSMLayer, which passes, has a graph of its own.
        Format("keras", True, f"Keras's safe mode has been got round more than once: {_ONNX}"),
        Format("saved_model", True, f"a graph may read and write files: {_ONNX}"),
    ),
    read=_read,
)
