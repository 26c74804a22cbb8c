"""The modules in zips, found and read as Python finds and reads them."""

import importlib.util
import marshal
import sys
import zipfile
from collections.abc import Sequence
from pathlib import PurePosixPath
from types import CodeType

_INIT = "__init__"
_SUFFIXES = (".so", ".py", ".pyc")
"""Of modules, the one that Python prefers first."""


class Modules:
    """What can be imported from folders in zips, in the order of `sys.path`."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[zipfile.ZipFile, str]] = {}
        """By dotted name."""
        self.packages: set[str] = set()
        """Those of the files that are a package's `__init__`."""
        self.folders: set[str] = set()
        """Packages, with or without an `__init__`."""
        self.extensions: set[str] = set()
        """The last parts of extension modules' names: what they call themselves."""
        self._bytecode: dict[str, tuple[zipfile.ZipFile, str]] = {}

    def add(self, archive: zipfile.ZipFile, folder: str) -> None:
        """Add what is below a folder of an archive; what is there already goes first."""
        found: dict[str, tuple[int, str]] = {}
        for name in archive.namelist():
            path = PurePosixPath(name)
            if path.suffix not in _SUFFIXES or not name.startswith(folder):
                continue
            parts = PurePosixPath(name[len(folder) :]).parent.parts
            stem = path.name.partition(".")[0]
            if parts[-1:] == ("__pycache__",):
                if path.name.endswith(f".{sys.implementation.cache_tag}.pyc"):
                    self._bytecode.setdefault(_dotted((*parts[:-1], stem)), (archive, name))
                continue
            if not all(map(str.isidentifier, (*parts, stem))):
                continue
            rank = _SUFFIXES.index(path.suffix) - len(_SUFFIXES) * (stem == _INIT)
            module = _dotted((*parts, stem))
            found[module] = min(found.get(module, (rank, name)), (rank, name))
            self.folders.update(".".join(parts[:end]) for end in range(1, len(parts) + 1))
            if path.suffix == ".so":
                self.extensions.add(stem)
        for module, (rank, name) in found.items():
            if module not in self.files:
                self.files[module] = (archive, name)
                if rank < 0:
                    self.packages.add(module)

    def code(self, module: str) -> CodeType | None:
        """Return a module's code; None: it is compiled to machine code.

        :raises ValueError: it is for another Python, or not valid.
        """
        archive, name = self.files[module]
        if name.endswith(".so"):
            return None
        if name.endswith(".py"):
            archive, name = self._bytecode.get(module, (archive, name))
        data = archive.read(name)
        try:
            if name.endswith(".py"):
                return compile(data, name, "exec", dont_inherit=True)
            if data[:4] != importlib.util.MAGIC_NUMBER:
                raise ValueError("for another Python")
            code: CodeType = marshal.loads(data[16:])
        except (SyntaxError, EOFError, TypeError) as error:
            raise ValueError(str(error)) from error
        return code


def _dotted(parts: Sequence[str]) -> str:
    return ".".join(parts[:-1] if parts[-1] == _INIT else parts)
