"""The parts of an MLmodel file that say how its model is loaded."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packager.model.files import posix_name


@dataclass(frozen=True)
class Sections:
    """What a flavor's row reads; what is wrong is collected, not raised."""

    folder: Path
    """The model's."""
    document: dict[str, Any]
    """All of the MLmodel file."""
    pyfunc: dict[str, Any]
    """`flavors.python_function`."""
    flavor: dict[str, Any]
    """The flavor's own section; empty where there is none."""
    issues: list[str]
    """What is wrong with the file, in words."""

    def path(self, value: Any, complaint: str) -> str:
        """Return a path that has to be there; "" when it is not, with the complaint added."""
        if isinstance(value, str) and value:
            return posix_name(self.folder, value)
        self.issues.append(complaint)
        return ""

    def file(self, value: Any, complaint: str) -> str:
        """Return a path as :meth:`path` does, which has to be a file's."""
        path = self.path(value, complaint)
        if path and (self.folder / path).is_dir():
            self.issues.append(f"{path} is a folder, not a file")
        return path

    def data_file(self, flavor: str) -> str:
        """Return the file that holds the model: MLflow names it in either section."""
        data = self.pyfunc.get("data") or self.flavor.get("data")
        return self.file(data, f"flavor {flavor!r} names no data")

    def predict_fn(self) -> str:
        """Return the method behind `/invocations`."""
        name = self.pyfunc.get("predict_fn", "predict")
        if isinstance(name, str) and name.isidentifier():
            return name
        self.issues.append(f"predict_fn {name!r} is not a method name")
        return "predict"

    def format(self, known: Collection[str], default: str) -> str:
        """Return the section's `serialization_format`, which has to be a known one."""
        name = self.flavor.get("serialization_format", default)
        if name in known:
            return str(name)
        self.issues.append(f"unknown serialization_format {name!r}")
        return default

    def trusted_types(self) -> tuple[str, ...]:
        """Return what skops may construct besides its own defaults."""
        names = self.flavor.get("skops_trusted_types") or []
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return tuple(names)
        self.issues.append("skops_trusted_types is not a list of names")
        return ()

    def mapping(self, key: str) -> dict[str, Any] | None:
        """Return a mapping of the flavor's section; None where it is absent or empty."""
        value = self.flavor.get(key) or None
        if value is None or isinstance(value, dict):
            return value
        self.issues.append(f"{key} is not a mapping")
        return None
