"""What is known of the bare model files of a flavor, and what is found out about one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

_LIBRARIES = {"sklearn": "scikit-learn", "onnx": "onnxruntime", "pytorch": "torch"}
_VERSION_KEYS = {"xgboost": "xgb_version", "lightgbm": "lgb_version", "onnx": "", "tensorflow": ""}


@dataclass(frozen=True)
class Found:
    """What an MLflow model folder around the file says, and where the file is in it."""

    data: str
    """The file's, or folder's, path in the model folder: as MLflow names it."""
    section: dict[str, Any]
    """The flavor's section of the MLmodel file, less the library's version."""
    pyfunc: dict[str, Any]
    """What `python_function` has besides loader and environment."""
    version: str | None = None
    """The library's, or a PEP 440 specifier of it, when the file records that."""
    requirements: tuple[str, ...] = ()
    """What reads the file besides the library."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """More files of the model folder."""
    beside: tuple[str, ...] = ()
    """Files that the model's file names, relative to it: they come along."""
    content: str | None = None
    """What is written in place of a copy of the file."""
    notes: tuple[str, ...] = ()
    """What was decided for the user."""

    @classmethod
    def plain(cls, data: str, more: Mapping[str, Any] | None = None, **others: Any) -> Self:
        """Return what most flavors say: section and `python_function` name the file as `data`.

        :param more: what the section has besides.
        :param others: all other fields.
        """
        section = {"code": None, "data": data, **(more or {})}
        return cls(data, section, {"data": data}, **others)


def _is_any(path: Path) -> bool:
    return True


@dataclass(frozen=True)
class BareFormat:
    """One row of the table: a kind of bare file, or folder, of a flavor."""

    flavor: str
    suffixes: tuple[str, ...]
    """Of its files; ("",): it is a folder."""
    read: Callable[[Path], Found]
    """Finds out what is to be known, without running anything. Raises ModelError."""
    matches: Callable[[Path], bool] = _is_any
    """Whether the content is of this format, by its first bytes or the names in it. Raises
    OSError."""
    is_told: bool = False
    """Whether only the user can say that it is of this flavor."""

    @property
    def library(self) -> str:
        """The distribution that reads it."""
        return _LIBRARIES.get(self.flavor, self.flavor)

    @property
    def version_key(self) -> str:
        """Of the library's version in the flavor's section; "": there is none."""
        return _VERSION_KEYS.get(self.flavor, f"{self.flavor}_version")
