"""Bring the model's files to disk, and let nothing pass that the manifest does not pin.

What is not named in the manifest is never written. Each file is compared with its size and
digest while it is written; a folder whose files are not all right never gets its final name,
and nothing loads a model from elsewhere.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from handler.config import HandlerConfig
from handler.errors import ConfigError, ModelFetchError, ModelIntegrityError
from handler.fetch.atomic import only_one_process, whole_folder
from handler.fetch.integrity import Check, verify_files
from handler.fetch.unpack import unpack
from handler.manifest import MODEL_FOLDER, BundleManifest, FileEntry
from handler.s3.source import open_object

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def fetch_model(manifest: BundleManifest, config: HandlerConfig) -> Path:
    """Return the model folder, every file of which has the size and digest of the manifest.

    An embedded model is checked where it lies. One in S3 is unpacked below
    `config.cache_dir`, in a folder named by its digest, and found there by the next call.

    :raises ConfigError: bucket or key is not set, or MODEL_SHA256 is for another bundle.
    :raises ModelFetchError: S3 does not give the object, or there is no room for it.
    :raises ModelIntegrityError: the object or a file is not the one that the bundle pins.
    """
    files = manifest.model.files
    if manifest.model_source == "embedded":
        folder = config.task_root / MODEL_FOLDER
        verify_files(folder, files)
        return folder
    order = _order_of(manifest, config)
    try:
        return _fetch(order, config.cache_dir)
    except OSError as error:
        raise _storage_error(error, files) from error


class _Order(NamedTuple):
    """What is to be fetched, and how to know that it is right."""

    archive: FileEntry
    frame_sha256: str
    files: tuple[FileEntry, ...]
    bucket: str
    key: str


def _order_of(manifest: BundleManifest, config: HandlerConfig) -> _Order:
    archive, frame = manifest.model_archive, manifest.archive_frame_sha256
    if archive is None or frame is None:
        raise ConfigError("the manifest names no model archive: build the bundle again")
    if not config.model_bucket or not config.model_key:
        raise ConfigError(
            "the model of this bundle is in S3: set MODEL_BUCKET and MODEL_KEY to where"
            " `packager publish` put it"
        )
    if config.model_sha256 and config.model_sha256 != archive.sha256:
        raise ConfigError(
            f"MODEL_SHA256 is {config.model_sha256} but this function was built for the model"
            f" {archive.sha256}: deploy function and model of one bundle"
        )
    return _Order(archive, frame, manifest.model.files, config.model_bucket, config.model_key)


def _fetch(order: _Order, cache_dir: Path) -> Path:
    folder = cache_dir / order.archive.sha256
    with only_one_process(folder):
        if not _is_whole(folder, order.files):
            with whole_folder(folder) as draft:
                _download(order, draft)
    return folder


def _is_whole(folder: Path, files: tuple[FileEntry, ...]) -> bool:
    if not folder.is_dir():
        return False
    try:
        verify_files(folder, files)
    except ModelIntegrityError:
        return False
    return True


def _download(order: _Order, folder: Path) -> None:
    try:
        with open_object(order.bucket, order.key) as source:
            frame = unpack(source, order.archive, order.files, folder)
        if frame != order.frame_sha256:
            raise ModelIntegrityError(
                "the model archive is not the one that this bundle pins: publish it again"
            )
    except ModelIntegrityError:
        # That it is another object says more than what is wrong in it.
        with suppress(ModelFetchError):
            _compare(order)
        raise


def _compare(order: _Order) -> None:
    """Read the object, once more, and compare it as a whole.

    :raises ModelIntegrityError: it is another one.
    """
    check = Check(order.archive, f"s3://{order.bucket}/{order.key}")
    with open_object(order.bucket, order.key) as source:
        for chunk in source.read(0, None):
            if source.size_bytes is not None:
                check.expect_size(source.size_bytes)
            check.update(chunk)
    check.finish()


def _storage_error(error: OSError, files: tuple[FileEntry, ...]) -> ModelFetchError:
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    if error.errno in _NO_SPACE:
        needed_mb = sum(entry.size_bytes for entry in files) // 10**6 + 1
        return ModelFetchError(
            f"no room for the model ({reason}): it needs {needed_mb} MB; raise the function's"
            " EphemeralStorage"
        )
    return ModelFetchError(
        f"the model cannot be stored ({reason}): PACKAGER_CACHE_DIR must be a writable folder"
    )
