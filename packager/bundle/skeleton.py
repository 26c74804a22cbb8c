"""The part of a bundle that is ours: the handler, the manifest and, embedded, the model.

With the dependencies around it this is the zip; without them it is what `packager serve`
and `packager predict` run in an environment made for the model.
"""

import importlib.util
import platform
import shutil
from importlib import resources
from importlib.abc import InspectLoader
from pathlib import Path

from handler.manifest import MANIFEST_NAME, MODEL_FOLDER, BundleManifest, TargetInfo
from packager.errors import ConfigError
from packager.model.flavors.table import flavor_named
from packager.model.mlmodel import ModelSpec
from packager.version import __version__


def write_skeleton(spec: ModelSpec, folder: Path) -> BundleManifest:
    """Lay out handler, manifest and embedded model in `folder`, for this machine.

    :raises OSError: the disk is full or not writable.
    :raises ConfigError: another package's flavor has no loader.
    """
    version = ".".join(platform.python_version_tuple()[:2])
    manifest = BundleManifest(
        packager_version=__version__,
        target=TargetInfo(f"python{version}", platform.machine()),
        model=spec.info,
        model_source="embedded",
        model_archive=None,
    )
    copy_handler(folder, spec.info.flavor)
    copy_model(spec, folder / MODEL_FOLDER)
    write_manifest(manifest, folder)
    return manifest


def copy_handler(folder: Path, flavor_name: str, architecture: str | None = None) -> None:
    """Copy the `handler` package into `folder`, with the loader of another package's flavor.

    :param flavor_name: the model's.
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
    loader = flavor_named(flavor_name).loader
    if loader is not None:
        loaders = folder / "handler" / "loaders"
        (loaders / f"{flavor_name}.py").write_text(_source(loader), encoding="utf-8")


def _source(module: str) -> str:
    try:
        spec = importlib.util.find_spec(module)
        loader = spec and spec.loader
        source = loader.get_source(module) if isinstance(loader, InspectLoader) else None
    # To find a module imports the packages that it is in: anything may be raised.
    except Exception as error:
        raise _no_source(module, f": {type(error).__name__}: {error}") from error
    if source is None:
        raise _no_source(module)
    return source


def _no_source(module: str, reason: str = "") -> ConfigError:
    return ConfigError(
        f"the source of {module}, a flavor's loader, is not to be found{reason}",
        hint="Install the package that registered the flavor again.",
    )


def copy_model(spec: ModelSpec, folder: Path) -> None:
    """Copy into `folder` the files of the model that inference needs, and nothing else."""
    for entry in spec.info.files:
        destination = folder / entry.path
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(spec.folder / entry.path, destination)


def write_manifest(manifest: BundleManifest, folder: Path) -> None:
    """Write `bundle.json` into `folder`."""
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
