"""Read a finished bundle, and put one in place all or nothing."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from handler.manifest import MANIFEST_NAME, BundleManifest, ConfigError as ManifestError, FileEntry
from packager.errors import BundleInvalid, ConfigError
from packager.support.atomic import whole_folder
from packager.support.digests import file_entry

FUNCTION_ZIP = "function.zip"
LAYER_ZIP = "layer.zip"
MODEL_ZIP = "model.zip"
LOCK_NAME = "pylock.toml"
SBOM_NAME = "sbom.cdx.json"
TEMPLATE_NAME = "template.yaml"
EVENTS_FOLDER = "events"


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk whose every artifact has the digest that `bundle.json` names."""

    folder: Path
    manifest: BundleManifest = field(repr=False)

    def artifact(self, name: str) -> FileEntry:
        """Return what `bundle.json` pins of a file beside it.

        :raises BundleInvalid: it names no such file.
        """
        for entry in self.manifest.artifacts:
            if entry.path == name:
                return entry
        raise BundleInvalid(f"bundle.json in {self.folder} does not name {name}")

    @property
    def function_zip(self) -> Path:
        """What Lambda runs."""
        return self.folder / FUNCTION_ZIP

    @property
    def layer_zip(self) -> Path | None:
        """The dependencies as a Lambda layer; None when they are in the function zip."""
        return self.folder / LAYER_ZIP if self.manifest.layer else None

    @property
    def code_zips(self) -> tuple[Path, ...]:
        """All that Lambda unpacks: the function zip, and the layer where there is one."""
        return tuple(path for path in (self.function_zip, self.layer_zip) if path)

    @property
    def model_zip(self) -> Path | None:
        """What the function fetches from S3; None when the model is embedded."""
        return self.folder / MODEL_ZIP if self.manifest.model_archive else None


def is_bundle(folder: Path) -> bool:
    """Tell whether there is a `bundle.json` in the folder."""
    return (folder / MANIFEST_NAME).is_file()


def read_bundle(folder: str | os.PathLike[str]) -> Bundle:
    """Read and verify what `packager build` wrote.

    :raises BundleInvalid: no bundle, or a file is missing or differs from its digest.
    """
    folder = Path(folder)
    rebuild = f"Build it again: packager build MODEL --output {folder}"
    try:
        manifest = BundleManifest.from_json((folder / MANIFEST_NAME).read_bytes())
    except OSError as error:
        raise BundleInvalid(f"no {MANIFEST_NAME} in {folder}", hint=rebuild) from error
    except ManifestError as error:
        raise BundleInvalid(f"{folder}: {error}", hint=rebuild) from error
    for artifact in manifest.artifacts:
        path = folder / artifact.path
        if not path.is_file():
            raise BundleInvalid(f"{path} is missing", hint=rebuild)
        if file_entry(path, artifact.path) != artifact:
            raise BundleInvalid(f"{path} differs from its digest in bundle.json", hint=rebuild)
    return Bundle(folder, manifest)


@contextmanager
def replaced_folder(output: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `output` when the block ends well.

    Until then, and if the block raises or the process dies, `output` is as it was. What a
    killed build left beside it is removed by the next one.

    :raises ConfigError: `output` holds something that is no bundle.
    """
    output = output.resolve()
    may_be_replaced = output.is_dir() and (is_bundle(output) or not any(output.iterdir()))
    if output.exists() and not may_be_replaced:
        raise ConfigError(
            f"{output} exists and is no bundle: nothing in it was touched",
            hint="Name another --output folder, or empty this one.",
        )
    with contextlib.ExitStack() as stack:
        try:
            draft = stack.enter_context(whole_folder(output))
        except OSError as error:
            raise ConfigError(f"cannot write into {output.parent}: {error.strerror}") from error
        yield draft
