"""A bundle as a container image: what goes that way, and the build context for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_name

from handler.manifest import OWN_PACKAGES_FOLDER, BundleManifest, PackageType
from packager.support.rendering import render

DOCKERFILE = "Dockerfile"
DOCKERIGNORE = ".dockerignore"

BASE_IMAGE = "amazon/aws-lambda-python"
"""AWS's own base image of its Python runtimes, on Docker Hub; the tag is the minor version."""

DEBIAN_IMAGE = "python"
"""Docker's own images of Python, for a model in a Python that Lambda does not have."""
DEBIAN_VARIANT = "slim-bookworm"
"""Debian 12 without what only building needs; the tag is the minor version and this."""

_PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
"""Lambda's architectures, as Docker spells them."""


@dataclass(frozen=True)
class ImageRule:
    """A distribution with which no bundle fits into a zip."""

    glob: str
    """Of the normalised name."""
    reason: str


_TOO_LARGE = "unpacks to more than the 262 MB that Lambda takes as a zip"
IMAGE_BY_DEFAULT = tuple(
    ImageRule(glob, _TOO_LARGE)
    for glob in (
        *("torch", "tensorflow", "tensorflow-cpu*", "tensorflow-aarch64", "tf-nightly*"),
        *("jaxlib", "paddlepaddle*"),
    )
)


def package_type_for(
    requirement_names: Iterable[str], wanted: Literal["auto", "zip", "image"]
) -> tuple[PackageType, str | None]:
    """Return how a bundle with these distributions is packaged, and a line that says why.

    :param requirement_names: of everything that is locked, or of the direct requirements.
    :param wanted: `auto` leaves the choice to the rules.
    :returns: the line is None where there is nothing to explain.
    """
    if wanted != "auto":
        return wanted, None
    for name in sorted(map(canonicalize_name, requirement_names)):
        for rule in IMAGE_BY_DEFAULT:
            if fnmatchcase(name, rule.glob):
                return "image", f"packaged as a container image: {name} {rule.reason}"
    return "zip", None


def docker_platform(architecture: str) -> str:
    """Return Docker's name of one of Lambda's architectures."""
    return _PLATFORMS[architecture]


def write_image_context(manifest: BundleManifest, folder: Path) -> None:
    """Make the bundle's folder, which has its function.zip, a build context for Docker.

    :raises OSError: the disk is full or not writable.
    """
    own_python = manifest.model.own_python
    values = {
        "flavor": manifest.model.flavor,
        "runtime": manifest.target.runtime,
        "architecture": manifest.target.architecture,
        "python": manifest.target.runtime.removeprefix("python"),
        "platform": docker_platform(manifest.target.architecture),
        "base_image": DEBIAN_IMAGE if own_python else BASE_IMAGE,
        "variant": DEBIAN_VARIANT,
        "own_python": own_python,
        "own_packages": OWN_PACKAGES_FOLDER,
        "own_folder": OWN_PACKAGES_FOLDER.partition("/")[0],
    }
    dockerfile = "Dockerfile.own_python.j2" if own_python else "Dockerfile.j2"
    for name, template in ((DOCKERFILE, dockerfile), (DOCKERIGNORE, "dockerignore.j2")):
        (folder / name).write_text(render("packager.bundle", template, **values), encoding="utf-8")
