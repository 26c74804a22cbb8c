"""Bundles for the static checks, sound or poisoned, and what the checks say of them."""

import stat
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from handler.manifest import (
    MANIFEST_NAME,
    BundleManifest,
    FileEntry,
    ModelInfo,
    PackageEntry,
    PackageType,
    TargetInfo,
)
from packager.bundle.folder import Bundle
from packager.checking.report import CheckReport
from packager.checking.story import check_bundle
from packager.version import __version__
from tests.support.bundles import packages_in

RUNTIME = "python3.11"
Files = Mapping[Any, bytes]
"""Content by name, or by zip entry."""
OURS = {
    "handler/__init__.py": b"",
    "handler/main.py": b"",
    "handler/main.pyc": b"",
    "model/m": b"1",
}


def wheel(name: str, version: str, tag: str = "py3-none-any") -> dict[str, bytes]:
    return {f"{name}-{version}.dist-info/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n".encode()}


def write_bundle(
    folder: Path,
    files: Files,
    *,
    runtime: str = RUNTIME,
    architecture: str = "x86_64",
    package_type: PackageType = "zip",
    model_zip: Files | None = None,
    packages: Iterable[PackageEntry] | None = None,
    own_python: str | None = None,
    own_packages: Iterable[PackageEntry] = (),
) -> Bundle:
    """Write a bundle that names the packages of its files, unless it shall name others."""
    archive: FileEntry | None = None
    if model_zip is not None:
        write_zip(folder / "model.zip", model_zip)
        archive = FileEntry("model.zip", 1, "")
    write_zip(folder / "function.zip", OURS | dict(files))
    manifest = BundleManifest(
        packager_version=__version__,
        target=TargetInfo(runtime, architecture),
        model=ModelInfo(
            "sklearn", "m", "skops", files=(FileEntry("m", 1, ""),), own_python=own_python
        ),
        model_source="embedded" if archive is None else "s3",
        model_archive=archive,
        package_type=package_type,
        packages=packages_in(map(str, files)) if packages is None else tuple(packages),
        own_packages=tuple(own_packages),
    )
    (folder / MANIFEST_NAME).write_text(manifest.to_json())
    return Bundle(folder, manifest)


def write_zip(path: Path, files: Files) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(entry(name) if isinstance(name, str) else name, content)


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def failures(report: CheckReport) -> dict[str, str]:
    """The failed checks, each with the text of all of its problems."""
    return {
        check.entry.name: "\n".join(f"{item.message}\n{item.hint}" for item in check.problems)
        for check in report.checks
        if check.problems
    }


def static(bundle: Bundle) -> dict[str, str]:
    report = check_bundle(bundle, is_static=True)
    assert report.is_ok == (not report.problems)
    assert [entry.status for entry in report.not_made] == ["not made"] * 3
    return failures(report)
