"""Keras 3. Source: `_load_pyfunc` of `mlflow.keras` (MLflow 3.18)."""

from collections.abc import Collection
from pathlib import PurePosixPath

from packaging.version import InvalidVersion, Version

from handler.manifest import ModelInfo
from packager.flavors.flavor import Flavor, Format
from packager.flavors.sections import Sections
from packager.needs import Needs

# CVE-2025-1550, 8747, 9906, 12058: before, a file could get round Keras's safe mode.
_SAFE_SINCE = Version("3.12")
_BACKENDS = {
    "tensorflow": {"tensorflow", "tensorflow-cpu", "tensorflow-intel"},
    "torch": {"torch"},
    "jax": {"jax", "jaxlib"},
    "numpy": {"jax", "jaxlib"},  # Keras's own numpy backend borrows functions from it
}
_KERAS = {"keras", "numpy", "pandas", "h5py", "ml-dtypes"}


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
        serialization_format="saved_model" if is_exported else _format(flavor.get("keras_version")),
        # None: Keras's own choice.
        options={"backend": "tensorflow" if is_exported else backend},
    )


def _format(version: object) -> str:
    try:
        is_safe = Version(str(version)) >= _SAFE_SINCE
    except InvalidVersion:
        is_safe = False
    return "keras" if is_safe else "keras<3.12"


def _needs(info: ModelInfo, recorded: Collection[str]) -> Needs | None:
    backend = info.options["backend"]
    if backend is None:
        return None
    return Needs(
        frozenset(_KERAS | _BACKENDS[backend]),
        f"a .keras file holds Keras's own layers, which compute with {backend}",
    )


FLAVOR = Flavor(
    name="keras",
    loader_module="mlflow.keras",
    formats=(
        Format("keras", False, "Keras's safe mode refuses Lambda layers and classes of others"),
        Format("keras<3.12", True, "log the model again with Keras 3.12 or newer"),
        Format(
            "saved_model",
            True,
            "a graph may read and write files: log it without save_exported_model",
        ),
    ),
    read=_read,
    needs=_needs,
)
