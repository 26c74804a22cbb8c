"""Finished bundles: loaded, put into S3. Without what builds them, which is slow to import."""

import os
from typing import TYPE_CHECKING, TypeAlias, Union

from packager.bundle.folder import Bundle, read_bundle
from packager.bundle.keys import DEFAULT_PREFIX
from packager.errors import ToolMissing, install_hint
from packager.progress import LOGGED, Progress
from packager.storage import publish as storage
from packager.storage.publish import PublishReport

if TYPE_CHECKING:
    from packager.building.story import BuildReport
    from packager.scoring.predictor import Predictor

BundleLike: TypeAlias = Union[Bundle, "BuildReport", str, os.PathLike[str]]
"""A bundle that was read, what :func:`packager.build` returned, or a bundle's folder."""


def load(bundle: BundleLike, *, progress: Progress = LOGGED) -> "Predictor":
    """Load the model of a bundle into this process, without AWS; it can be pickled.

    :raises BundleInvalid: it is not a whole bundle.
    :raises ModelError: the model cannot be loaded here.
    :raises ToolMissing: what the handler needs itself is not installed.
    """
    try:
        from packager.scoring.predictor import Predictor
    except ImportError as error:
        what = f"{error.name}, which a predictor needs,"
        raise ToolMissing(what, install_hint("local")) from error
    return Predictor(as_bundle(bundle, progress))


def publish(
    bundle: BundleLike,
    bucket: str,
    prefix: str = DEFAULT_PREFIX,
    *,
    create_bucket: bool = False,
    progress: Progress = LOGGED,
) -> PublishReport:
    """Put a bundle's model, layer and function zip into S3; what is there is not sent again.

    :param prefix: of the keys, which name the content.
    :param create_bucket: make the bucket if there is none.
    :raises BundleInvalid: it is not a whole bundle.
    :raises StorageError: S3 refused, cannot be reached, or did not keep what was sent.
    :raises ConfigError: a name that S3 or the template does not take.
    """
    return storage.publish(
        as_bundle(bundle, progress), bucket, prefix, create_bucket=create_bucket, progress=progress
    )


def as_bundle(bundle: BundleLike, progress: Progress) -> Bundle:
    """Return the bundle, read and compared with its digests unless it was already.

    :raises BundleInvalid: it is not a whole bundle.
    """
    if isinstance(bundle, Bundle):
        return bundle
    if not isinstance(bundle, str | os.PathLike):
        return bundle.bundle
    progress.step(f"Checking {os.fspath(bundle)} against its digests")
    return read_bundle(bundle)
