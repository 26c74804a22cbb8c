"""The modules of a tree of installed libraries, rewritten as they are compiled."""

import ast
import functools
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from . import libraries
from .modules import defer_imports, star_names
from .statements import Module, Rules

_INIT = "__init__"


class Tree:
    """A folder of libraries, as on `sys.path`; its sources must all still be there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules = {self._name(path): path for path in sorted(folder.rglob("*.py"))}
        self.rules = Rules(
            is_deferrable=libraries.is_deferrable,
            is_rewritten=libraries.is_rewritten,
            is_module=self.modules.__contains__,
            star_names=functools.cache(self._star_names),
            shortcuts=libraries.SHORTCUTS,
            copiers=libraries.COPIERS,
            fillers=libraries.FILLERS,
            holds=self._holds,
        )

    def rewrite(self, path: Path) -> ast.Module | None:
        """Return a module with its imports deferred; None: it is to be compiled as it is.

        :raises SyntaxError: it is not valid Python.
        :raises ValueError: it holds null bytes.
        """
        name = self._name(path)
        if not libraries.is_rewritten(name):
            return None
        submodules = _submodules(path.parent) if path.stem == _INIT else None
        return defer_imports(path.read_bytes(), Module(name, submodules), self.rules)

    def _name(self, path: Path) -> str:
        parts = path.relative_to(self.folder).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == _INIT else parts)

    def _holds(self, module: str, condition: str) -> bool:
        library, needed = libraries.HOLDING.get(condition, ("", ""))
        return module.partition(".")[0] == library and needed in self.modules

    def _star_names(self, module: str) -> tuple[str, ...] | None:
        path = self.modules.get(module)
        try:
            return star_names(path.read_bytes()) if path else None
        except (SyntaxError, ValueError):
            return None


def _submodules(package: Path) -> frozenset[str]:
    """Return the names of the modules and packages in a package's folder."""
    names = {path.name.partition(".")[0] for path in package.iterdir() if _is_module(path)}
    return frozenset(names - {_INIT})


def _is_module(path: Path) -> bool:
    if path.is_dir():
        return (path / f"{_INIT}.py").is_file()
    return path.name.endswith((".py", *EXTENSION_SUFFIXES))
