"""The part of a bundle that is ours: the handler, the manifest and, embedded, the model.

With the dependencies around it this is the zip; without them it is what `packager serve`
and `packager predict` run in an environment made for the model.
"""

import platform
import shutil
from importlib import resources
from pathlib import Path

from handler.manifest import (
    MANIFEST_NAME,
    MODEL_FOLDER,
    BundleManifest,
    TargetInfo,
)
from packager import __version__
from packager.mlmodel import ModelSpec


def write_skeleton(spec: ModelSpec, folder: Path) -> BundleManifest:
    """Lay out handler, manifest and embedded model in `folder`, for this machine.

    :raises OSError: the disk is full or not writable.
    """
    version = ".".join(platform.python_version_tuple()[:2])
    manifest = BundleManifest(
        packager_version=__version__,
        target=TargetInfo(f"python{version}", platform.machine()),
        model=spec.info,
        model_source="embedded",
        model_archive=None,
    )
    copy_handler(folder)
    copy_model(spec, folder / MODEL_FOLDER)
    write_manifest(manifest, folder)
    return manifest


def copy_handler(folder: Path, architecture: str | None = None) -> None:
    """Copy the `handler` package into `folder`.

    :param architecture: Lambda's identifier; of what is compiled only this one's is copied.
        None: whatever there is.
    """

    def left_out(parent: str, names: list[str]) -> list[str]:
        others = ["__pycache__", "py.typed", "trees.c"]
        if architecture is not None and Path(parent).name == "native":
            others += [name for name in names if architecture not in name]
        return others

    with resources.as_file(resources.files("handler")) as source:
        shutil.copytree(source, folder / "handler", ignore=left_out)


def copy_model(spec: ModelSpec, folder: Path) -> None:
    """Copy into `folder` the files of the model that inference needs, and nothing else."""
    for entry in spec.info.files:
        destination = folder / entry.path
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(spec.folder / entry.path, destination)


def write_manifest(manifest: BundleManifest, folder: Path) -> None:
    """Write `bundle.json` into `folder`."""
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
