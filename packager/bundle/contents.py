"""What is in a bundle's function zip and layer, package by package: versions, licences, sizes."""

import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.utils import canonicalize_name

from packager.bundle.folder import SBOM_NAME, Bundle
from packager.bundle.sbom import OWN_PYTHON, PROPERTY_PREFIX
from packager.errors import BundleInvalid
from packager.packages.layer import LAYER_ROOT, import_path


@dataclass(frozen=True)
class ZippedFile:
    """One file of a zip, as its central directory has it."""

    path: str
    """On Lambda: relative to /var/task, or in the layer, below /opt."""
    package: str
    """The distribution that it belongs to; the name at the top of the path where that is
    not known, as for our own `handler`."""
    unzipped_bytes: int
    zipped_bytes: int
    crc: int


@dataclass(frozen=True)
class BundledPackage:
    """One distribution as it is in the bundle."""

    name: str
    version: str
    license: str | None
    unzipped_bytes: int
    """Trimmed, as Lambda counts it."""
    zipped_bytes: int
    installed_bytes: int | None
    """As its wheel unpacks, before trimming; None: the bundle has no SBOM that says so."""


@dataclass(frozen=True)
class BundleContents:
    """All that is in the function zip and the layer."""

    files: tuple[ZippedFile, ...]
    """Sorted by path."""
    packages: tuple[BundledPackage, ...]
    """Sorted by name."""

    @property
    def unzipped_bytes(self) -> int:
        """What Lambda counts against its limit."""
        return sum(file.unzipped_bytes for file in self.files)


def read_contents(bundle: Bundle, *, compared_with: Bundle | None = None) -> BundleContents:
    """Read the directories of the zips and, where there is one, the SBOM beside them.

    :param compared_with: its SBOM says what the bundle's own does not: which package a file
        belongs to must not depend on which of the two has an SBOM.
    :raises BundleInvalid: one of them cannot be read.
    """
    libraries = _libraries(bundle)
    others = _libraries(compared_with) if compared_with else {}
    owners = _owners(others) | _owners(libraries)
    found = [*_files(bundle.function_zip, PurePosixPath(), owners)]
    if bundle.layer_zip:
        found += _files(bundle.layer_zip, LAYER_ROOT, owners)
    files = tuple(sorted(found, key=lambda file: file.path))
    packages = (
        _package(entry.name, entry.version, files, libraries.get(canonicalize_name(entry.name), {}))
        for entry in bundle.manifest.packages
    )
    return BundleContents(files, tuple(sorted(packages, key=lambda package: package.name)))


def _files(zip_path: Path, root: PurePosixPath, owners: Mapping[str, str]) -> Iterator[ZippedFile]:
    try:
        with zipfile.ZipFile(zip_path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except (OSError, zipfile.BadZipFile) as error:
        raise BundleInvalid(f"{zip_path} cannot be read: {error}") from error
    for info in infos:
        path = str(root / info.filename)
        yield ZippedFile(
            path=path,
            package=_owner(path, owners),
            unzipped_bytes=info.file_size,
            zipped_bytes=info.compress_size,
            crc=info.CRC,
        )


def _package(
    name: str, version: str, files: Iterable[ZippedFile], library: Mapping[str, Any]
) -> BundledPackage:
    own = [file for file in files if file.package == canonicalize_name(name)]
    installed = _properties(library, "installed_bytes")
    return BundledPackage(
        name=name,
        version=version,
        license=" AND ".join(_licenses(library)) or None,
        unzipped_bytes=sum(file.unzipped_bytes for file in own),
        zipped_bytes=sum(file.zipped_bytes for file in own),
        installed_bytes=int(installed[0]) if installed else None,
    )


def _libraries(bundle: Bundle) -> dict[str, Mapping[str, Any]]:
    """Return the SBOM's libraries of the function by name; none when the bundle has no SBOM."""
    path = bundle.folder / SBOM_NAME
    if not path.is_file():
        return {}
    try:
        components = json.loads(path.read_bytes())["components"]
        libraries = [item for item in components if item["type"] == "library"]
        # The model's own Python may have other versions of the same packages.
        return {item["name"]: item for item in libraries if not _properties(item, OWN_PYTHON)}
    except (ValueError, KeyError, TypeError) as error:
        raise BundleInvalid(f"{path} is no SBOM that packager wrote: {error!r}") from error


def _licenses(library: Mapping[str, Any]) -> Iterable[str]:
    for choice in library.get("licenses", ()):
        if "expression" in choice:
            yield choice["expression"]
        else:
            yield choice["license"].get("id") or choice["license"]["name"]


def _properties(library: Mapping[str, Any], name: str) -> list[str]:
    found = library.get("properties", ())
    return [item["value"] for item in found if item["name"] == PROPERTY_PREFIX + name]


def _owners(libraries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the package behind each name at the top of the zip, or in a namespace there."""
    owners: dict[str, list[str]] = {}
    for name, library in sorted(libraries.items()):
        for top in _properties(library, "top_level"):
            owners.setdefault(_module(top), []).append(name)
    # What several have, as a README at the top, belongs to none of them.
    return {top: names[0] for top, names in owners.items() if len(names) == 1}


def _owner(path: str, owners: Mapping[str, str]) -> str:
    top, *rest = str(import_path(path)).split("/")
    if top.endswith((".dist-info", ".data")):
        return canonicalize_name(top.partition("-")[0])
    if top in ("handler", "model", "own_python", "bundle.json"):
        return top
    below = _module(f"{top}/{rest[0]}") if rest else ""
    return owners.get(below) or owners.get(_module(top)) or canonicalize_name(_module(top))


def _module(top: str) -> str:
    """Return the name at the top without what a build changes: `.pyc` for `.py`, an archive."""
    return re.sub(r"\.(py|pyc|zip|libs|(cpython|abi3).*\.so|so)$", "", top)
