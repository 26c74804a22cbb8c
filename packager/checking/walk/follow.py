"""Follow imports through a bundle's zips; nothing is executed.

A program for the target's Python, as all modules here: it reads one JSON document from stdin and
writes one to stdout. `packager.checking.imports` says what is in them.
"""

import io
import json
import sys
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from types import CodeType
from typing import Any

from .modules import Modules
from .statements import surely_imported


class Walk:
    """The modules that are imported, beginning with some, and those that are not there."""

    def __init__(self, modules: Modules, elsewhere: frozenset[str]) -> None:
        """Begin.

        :param elsewhere: modules that are there without being in the zips, by top-level name,
            or by dotted name where not all of the package is there.
        """
        self.missing: dict[str, str] = {}
        """By the module's name: who imports it."""
        self.unread: list[str] = []
        self.users: dict[str, str] = {}
        """By each module that was looked at: who imports it."""
        self._modules = modules
        self._elsewhere = elsewhere
        self._queue: deque[str] = deque()

    def add_script(self, archive: zipfile.ZipFile, name: str) -> None:
        """Begin with a source file that is run, not imported."""
        self._modules.files[name] = archive, name
        self._queue.append(name)

    def follow(self, roots: Sequence[tuple[str, str]]) -> None:
        """Look at these modules, each with who names it, and at what they import in turn."""
        for module, who in roots:
            self._visit(module, who, is_named=True)
        while self._queue:
            self._read(self._queue.popleft())

    def _read(self, module: str) -> None:
        try:
            code = self._modules.code(module)
        except ValueError:
            self.unread.append(module)
            return
        for found in surely_imported(code) if code else ():
            name = self._absolute(module, found.module, found.level)
            if not name:
                continue
            self._visit(name, module)
            for part in found.names:
                self._visit_part(name, part, module)

    def _visit(self, module: str, who: str, *, is_named: bool = False) -> None:
        """Look at a module, and at the packages that it is in.

        :param is_named: by the model itself. What libraries name of themselves and have no
            file for, they make when they are imported.
        """
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            name = ".".join(parts[:end])
            if name in self._modules.files:
                if name not in self.users:
                    self.users[name] = who
                    self._queue.append(name)
            elif name not in self._modules.folders and not self._is_elsewhere(module):
                parent = ".".join(parts[: end - 1])
                if parent not in self._modules.files or (is_named and self._is_plain(parent)):
                    self.missing.setdefault(name if is_named or end == 1 else module, who)
                return

    def _visit_part(self, module: str, name: str, who: str) -> None:
        """Look at what is imported from a module, where it is a module itself."""
        full = f"{module}.{name}"
        is_namespace = module in self._modules.folders and module not in self._modules.files
        if full in self._modules.files or (is_namespace and name != "*"):
            self._visit(full, who)

    def _is_elsewhere(self, module: str) -> bool:
        top = module.partition(".")[0]
        # Extension modules may be known by the name that they give themselves: sklearn's _loss.
        return bool(self._elsewhere & {top, module}) or module in self._modules.extensions

    def _is_plain(self, module: str) -> bool:
        """Tell whether a package has no module but its files: it does not touch `sys.modules`."""
        try:
            code = self._modules.code(module)
        except ValueError:
            return False
        return code is not None and module in self._modules.packages and not _names_modules(code)

    def _absolute(self, module: str, name: str, level: int) -> str:
        if not level:
            return name
        parents = module.split(".")
        package = parents[: len(parents) - level + (module in self._modules.packages)]
        return ".".join((*package, name) if name else package)


def _names_modules(code: CodeType) -> bool:
    return "modules" in code.co_names or any(
        _names_modules(item) for item in code.co_consts if isinstance(item, CodeType)
    )


def _open_all(places: Sequence[Sequence[str]]) -> Iterator[tuple[zipfile.ZipFile, str]]:
    """Yield each zip, or zip in a zip, and the folder in it."""
    for path, inner, folder in places:
        archive = zipfile.ZipFile(path)
        if inner:
            archive = zipfile.ZipFile(io.BytesIO(archive.read(inner)))
        yield archive, folder


def main() -> None:
    """Answer the question on stdin."""
    question: dict[str, Any] = json.load(sys.stdin)
    modules = Modules()
    for archive, folder in _open_all(question["places"]):
        modules.add(archive, folder)
    standard = sys.stdlib_module_names - set(question["not_standard"])
    walk = Walk(modules, standard | set(question["elsewhere"]))
    for path, name in question["scripts"]:
        walk.add_script(zipfile.ZipFile(path), name)
    walk.follow([(module, who) for module, who in question["roots"]])
    answer = {"missing": walk.missing, "users": walk.users, "unread": walk.unread}
    json.dump(answer, sys.stdout)
