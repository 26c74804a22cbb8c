"""What the checks look at in a bundle's zips, read from them without unpacking them to disk."""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Self, TypeVar

from packaging.utils import canonicalize_name

from handler.manifest import OWN_PACKAGES_FOLDER
from packager.errors import BundleInvalid
from packager.packages.elf import MAGIC, Elf, ElfDamaged, read_elf
from packager.packages.layer import PACKAGES_FOLDER, import_path

_TASK_ROOT = PurePosixPath()
_LAYER_PREFIX = f"{PACKAGES_FOLDER}/"
_OWN_PREFIX = f"{OWN_PACKAGES_FOLDER}/"
_Value = TypeVar("_Value")
_HEAD_BYTES = 4
"""Enough of a file to know ELF by, and the Python that a bytecode file is for."""


@dataclass(frozen=True)
class DistInfo:
    """One `*.dist-info` folder."""

    folder: str
    name: str
    """Normalised, as `scikit-learn`."""
    version: str
    tags: tuple[str, ...]
    """The wheel's, as `cp311-cp311-manylinux_2_17_x86_64`; none: there is no WHEEL file."""
    modules: tuple[str, ...]
    """What top_level.txt names; mostly it is not there."""

    @property
    def label(self) -> str:
        """Name and version, for messages."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class ZipContents:
    """A function zip, a layer, or both. Paths are those on Lambda: see `packages.layer`."""

    members: tuple[zipfile.ZipInfo, ...]
    """All entries, in the zip's order; `orig_filename` is the name in the zip."""
    heads: Mapping[str, bytes]
    """The first bytes of each file, by its path."""
    elf_files: Mapping[PurePosixPath, Elf]
    damaged: Mapping[PurePosixPath, str]
    """ELF files that cannot be read, and why."""
    dist_infos: tuple[DistInfo, ...]

    @property
    def unzipped_bytes(self) -> int:
        """What Lambda counts against its limit."""
        return sum(member.file_size for member in self.members)

    def with_layer(self, layer: Self) -> Self:
        """Return both, as the function sees them."""
        return replace(
            self,
            members=(*self.members, *layer.members),
            heads={**self.heads, **layer.heads},
            elf_files={**self.elf_files, **layer.elf_files},
            damaged={**self.damaged, **layer.damaged},
            dist_infos=(*self.dist_infos, *layer.dist_infos),
        )

    def below(self, folder: str) -> tuple[zipfile.ZipInfo, ...]:
        """Return the files in a folder at the top, by their paths in it."""
        found = []
        for member in self.members:
            top, _, rest = member.filename.partition("/")
            if top == folder and rest and not member.is_dir():
                inner = copy(member)
                inner.filename = rest
                found.append(inner)
        return tuple(found)

    def without(self, folder: str) -> Self:
        """Return all but what lies in a folder; the members stay, for they count."""
        return self._selected(lambda path: path, lambda path: not _is_in(path, folder))

    def inside(self, folder: str) -> Self:
        """Return what lies in a folder, with paths relative to it."""
        prefix = f"{folder}/"
        found = self._selected(
            lambda path: path.removeprefix(prefix), lambda path: _is_in(path, folder)
        )
        members = (member for member in self.members if _is_in(member.filename, folder))
        return replace(found, members=tuple(_renamed(member, prefix) for member in members))

    def _selected(self, name: Callable[[str], str], is_in: Callable[[str], bool]) -> Self:
        """Return the files that are in, under new names."""

        def files(found: Mapping[PurePosixPath, _Value]) -> dict[PurePosixPath, _Value]:
            return {PurePosixPath(name(str(k))): v for k, v in found.items() if is_in(str(k))}

        return replace(
            self,
            heads={name(path): head for path, head in self.heads.items() if is_in(path)},
            elf_files=files(self.elf_files),
            damaged=files(self.damaged),
            dist_infos=tuple(
                replace(info, folder=name(info.folder))
                for info in self.dist_infos
                if is_in(info.folder)
            ),
        )

    def owner(self, path: PurePosixPath | str) -> str:
        """Return the package that a file belongs to: name and version where that is known."""
        top = str(import_path(path)).partition("/")[0]
        module = re.sub(r"\.(libs|pyc?|(?:[\w-]+\.)?so)$", "", top)
        for info in self.dist_infos:
            if top == info.folder or module in info.modules:
                return info.label
            if canonicalize_name(module) == info.name:
                return info.label
        return module


def read_zip(path: Path, root: PurePosixPath = _TASK_ROOT) -> ZipContents:
    """Read what the checks need of one zip.

    :param root: where it is on Lambda, in front of the paths.
    :raises BundleInvalid: it is no zip, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, root)
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise BundleInvalid(
            f"{path} cannot be read: {error}", hint="Build the bundle again."
        ) from error


def _read(archive: zipfile.ZipFile, root: PurePosixPath) -> ZipContents:
    heads: dict[str, bytes] = {}
    elf_files: dict[PurePosixPath, Elf] = {}
    damaged: dict[PurePosixPath, str] = {}
    for member in archive.infolist():
        if member.is_dir():
            continue
        path = root / member.filename
        with archive.open(member) as file:
            heads[str(path)] = head = file.read(_HEAD_BYTES)
            if head == MAGIC:
                try:
                    elf_files[path] = read_elf(head + file.read())
                except ElfDamaged as error:
                    damaged[path] = str(error)
    return ZipContents(
        members=tuple(_moved(member, root) for member in archive.infolist()),
        heads=heads,
        elf_files=elf_files,
        damaged=damaged,
        dist_infos=tuple(
            info
            for prefix in (("", _OWN_PREFIX) if root == _TASK_ROOT else (_LAYER_PREFIX,))
            for info in _dist_infos(archive, prefix)
        ),
    )


def _is_in(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}/")


def _renamed(member: zipfile.ZipInfo, prefix: str) -> zipfile.ZipInfo:
    inner = copy(member)
    inner.filename = member.filename.removeprefix(prefix)
    return inner


def _moved(member: zipfile.ZipInfo, root: PurePosixPath) -> zipfile.ZipInfo:
    if root == _TASK_ROOT:
        return member
    moved = copy(member)
    moved.filename = f"{root}/{member.filename}"
    return moved


def _dist_infos(archive: zipfile.ZipFile, prefix: str) -> Iterator[DistInfo]:
    names = set(archive.namelist())
    inner = (name.removeprefix(prefix) for name in names if name.startswith(prefix))
    folders = {name.split("/")[0] for name in inner if ".dist-info/" in name}
    for folder in sorted(name for name in folders if name.endswith(".dist-info")):
        name, _, version = folder.removesuffix(".dist-info").partition("-")

        def lines(file: str, folder: str = folder) -> list[str]:
            path = f"{prefix}{folder}/{file}"
            return (
                archive.read(path).decode("utf-8", "replace").splitlines() if path in names else []
            )

        tags = (line.partition(":") for line in lines("WHEEL"))
        yield DistInfo(
            folder=f"{prefix}{folder}" if prefix == _OWN_PREFIX else folder,
            name=canonicalize_name(name),
            version=version,
            tags=tuple(value.strip() for key, _, value in tags if key == "Tag"),
            modules=tuple(lines("top_level.txt")),
        )
