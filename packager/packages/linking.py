"""Which library satisfies which need in a bundle, as Lambda's dynamic loader will find it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Literal

from packager.aws.runtimes import Target
from packager.packages.elf import Elf
from packager.packages.layer import LIBRARIES_FOLDER, LIBRARIES_ROOT, import_path

LIBRARY_FOLDER = PurePosixPath(LIBRARIES_FOLDER)
"""Lambda's LD_LIBRARY_PATH has /var/task, its lib/ and /opt/lib, after the system's folders."""
_LOADER_FOLDERS = (PurePosixPath(), LIBRARY_FOLDER, LIBRARIES_ROOT)

Origin = Literal["system", "bundle", "package", "nowhere"]
"""`bundle`: on the loader's path. `package`: not there, but a file of the same package, which
loads it itself or is loaded before."""


class Linking:
    """All ELF files of a bundle and what the target's system has.

    :param files: by their path on Lambda, relative to /var/task or, in a layer, absolute.
    """

    def __init__(self, files: Mapping[PurePosixPath, Elf], target: Target) -> None:
        self._files = dict(files)
        self._target = target
        self._by_name: dict[str, list[PurePosixPath]] = {}
        for path in sorted(self._files):
            self._by_name.setdefault(path.name, []).append(path)

    def origin(self, path: PurePosixPath, library: str) -> Origin:
        """Tell where the library comes from that this file needs under this name."""
        elf = self._files[path]
        is_near = any(folder / library in self._files for folder in _search_folders(path, elf))
        if library in self._target.libraries:
            return "bundle" if is_near and elf.is_searched_first else "system"
        # An embedded copy is found on LD_LIBRARY_PATH too, after the system's.
        if is_near or any(folder / library in self._files for folder in _LOADER_FOLDERS):
            return "bundle"
        others = self._by_name.get(library, ())
        return "package" if any(owner(other) == owner(path) for other in others) else "nowhere"

    def missing(self) -> Iterator[tuple[PurePosixPath, str]]:
        """Yield each file with a library that it needs and nothing provides, sorted."""
        for path in sorted(self._files):
            for library in self._files[path].needed:
                if self.origin(path, library) == "nowhere":
                    yield path, library

    def carriers(self, library: str) -> list[PurePosixPath]:
        """Return copies of the library under any name, sorted: wheels carry theirs hashed."""
        return [path for path in sorted(self._files) if _is_copy(path.name, library)]


def owner(path: PurePosixPath) -> str:
    """Return the top-level name that a file in the bundle belongs to: `numpy.libs` is numpy's."""
    top = str(import_path(path)).partition("/")[0]
    return top.removesuffix(".libs").split(".")[0].replace("-", "_").lower()


def _search_folders(path: PurePosixPath, elf: Elf) -> Iterator[PurePosixPath]:
    """Yield the folders of the bundle that the file itself names."""
    for entry in elf.search_paths:
        found = re.fullmatch(r"\$(?:ORIGIN|\{ORIGIN\})(?:/(.*))?", entry)
        if found:
            yield PurePosixPath(normpath(path.parent / (found[1] or "")))


def _is_copy(name: str, library: str) -> bool:
    # auditwheel's `libgomp-a34b3233.so.1.0.0` is libgomp.so.1.0.0, which fits libgomp.so.1.
    plain = re.sub(r"(?:-[0-9a-f]{8})+(?=\.so)", "", name)
    return library in (name, plain) or plain.startswith(f"{library}.")
