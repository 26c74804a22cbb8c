"""Small bundles made by hand: what `packager build` writes, without a build."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

from handler.manifest import BundleManifest, ModelInfo, TargetInfo
from packager.archive import file_entry
from packager.bundle import Bundle, read_bundle
from tests.commands import THIS_PYTHON

ECHO = {
    "handler/__init__.py": "",
    "handler/main.py": "def handler(event, context):\n    return event\n",
}


def make_bundle(
    folder: Path,
    *,
    model: bytes | None = b"a model",
    files: Mapping[str, str] = ECHO,
    architecture: str = "x86_64",
) -> Bundle:
    """Write a bundle whose function is `files`; without a model it counts as embedded."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "function.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    artifacts = [file_entry(folder / "function.zip", "function.zip")]
    if model is not None:
        (folder / "model.zip").write_bytes(model)
        artifacts.append(file_entry(folder / "model.zip", "model.zip"))
    manifest = BundleManifest(
        packager_version="0",
        target=TargetInfo(f"python{THIS_PYTHON}", architecture),
        model=ModelInfo("sklearn", "model.skops", "skops"),
        model_source="s3" if model is not None else "embedded",
        model_archive=artifacts[1] if model is not None else None,
        artifacts=tuple(artifacts),
    )
    (folder / "bundle.json").write_text(manifest.to_json())
    return read_bundle(folder)
