"""Small bundles made by hand: what `packager build` writes, without a build."""

import dataclasses
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from handler.manifest import BundleManifest, FileEntry, ModelInfo, PackageEntry, TargetInfo
from packager.bundle.folder import Bundle, read_bundle
from packager.support.digests import file_entry
from tests.support.commands import THIS_PYTHON

ECHO = {
    "handler/__init__.py": "",
    "handler/main.py": "def handler(event, context):\n    return event\n",
}


def make_bundle(
    folder: Path,
    *,
    model: bytes | None = b"a model",
    files: Mapping[str, str | bytes] = ECHO,
    layer: Mapping[str, str | bytes] | None = None,
    architecture: str = "x86_64",
    info: ModelInfo = ModelInfo("sklearn", "model.skops", "skops"),  # noqa: B008 - frozen
    beside: Mapping[str, str] | None = None,
    **changes: Any,
) -> Bundle:
    """Write a bundle whose function is `files`; without a model it counts as embedded.

    :param layer: files of `layer.zip`.
    :param beside: texts of more files in the folder.
    :param changes: to the manifest's fields.
    """
    folder.mkdir(parents=True, exist_ok=True)
    artifacts = [write_zip(folder / "function.zip", files)]
    if model is not None:
        (folder / "model.zip").write_bytes(model)
        artifacts.append(file_entry(folder / "model.zip", "model.zip"))
    layer_entry = write_zip(folder / "layer.zip", layer) if layer is not None else None
    if layer_entry:
        artifacts.append(layer_entry)
    for name, text in (beside or {}).items():
        (folder / name).write_text(text)
        artifacts.append(file_entry(folder / name, name))
    manifest = BundleManifest(
        packager_version="0",
        target=TargetInfo(f"python{THIS_PYTHON}", architecture),
        model=info,
        model_source="s3" if model is not None else "embedded",
        model_archive=artifacts[1] if model is not None else None,
        packages=packages_in([*files, *(layer or {})]),
        layer=layer_entry,
        artifacts=tuple(artifacts),
    )
    manifest = dataclasses.replace(manifest, **changes)
    (folder / "bundle.json").write_text(manifest.to_json())
    return read_bundle(folder)


def packages_in(names: Iterable[str]) -> tuple[PackageEntry, ...]:
    """Return the packages whose dist-info folders these files are in, as a lock names them."""
    folders = {part for name in names for part in name.split("/") if part.endswith(".dist-info")}
    versions = dict(folder.removesuffix(".dist-info").split("-", 1) for folder in sorted(folders))
    return tuple(PackageEntry(canonicalize_name(name), versions[name]) for name in versions)


def write_zip(path: Path, files: Mapping[str, str | bytes]) -> FileEntry:
    """Write a zip and return its size and digest."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)  # dated 1980: equal files make equal zips
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return file_entry(path, path.name)
