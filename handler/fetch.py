"""Bring the model's files to disk, and let nothing pass that the manifest does not pin.

The order is the point: the archive's size and digest are checked before it is unzipped,
each file's before anything loads it. What is not named in the manifest is never written.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from handler.config import HandlerConfig
from handler.errors import ConfigError, ModelFetchError, ModelIntegrityError
from handler.manifest import MODEL_FOLDER, BundleManifest, FileEntry
from handler.s3 import open_object

_CHUNK_BYTES = 1 << 20
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
    archive, bucket, key = _object_of(manifest, config)
    try:
        return _fetch(archive, files, bucket, key, config.cache_dir)
    except OSError as error:
        raise _storage_error(error, archive, files) from error


def verify_files(folder: Path, files: Iterable[FileEntry]) -> None:
    """Compare each file with its entry in the manifest.

    :raises ModelIntegrityError: names the first file that is missing or different.
    """
    for entry in files:
        try:
            with (folder / entry.path).open("rb") as file:
                check = _Check(entry, f"model file {entry.path}")
                for chunk in _chunks(file):
                    check.update(chunk)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise ModelIntegrityError(
                f"model file {entry.path} is missing: build and publish the bundle again"
            ) from error
        check.finish()


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: file.read(_CHUNK_BYTES), b"")


class _Check:
    """Compares a stream of bytes with what the manifest says of it.

    :param entry: the size and digest that the stream must have.
    :param what: what the stream is, for the message.
    """

    def __init__(self, entry: FileEntry, what: str) -> None:
        self._entry = entry
        self._what = what
        self._size_bytes = 0
        self._digest = hashlib.sha256()

    def update(self, chunk: bytes) -> None:
        """Take the next bytes; refuse them as soon as they are too many."""
        self._size_bytes += len(chunk)
        if self._size_bytes > self._entry.size_bytes:
            raise self._mismatch("size", f"{self._entry.size_bytes} bytes", "more")
        self._digest.update(chunk)

    def finish(self) -> None:
        """Compare the whole."""
        if self._size_bytes != self._entry.size_bytes:
            expected = f"{self._entry.size_bytes} bytes"
            raise self._mismatch("size", expected, f"{self._size_bytes} bytes")
        if self._digest.hexdigest() != self._entry.sha256:
            raise self._mismatch("sha256", self._entry.sha256, self._digest.hexdigest())

    def _mismatch(self, field: str, expected: str, actual: str) -> ModelIntegrityError:
        return ModelIntegrityError(
            f"{self._what} is not the one that this bundle pins and was not loaded:"
            f" expected {field} {expected}, found {actual}. Publish the bundle again, or deploy"
            " the bundle that belongs to it"
        )


def _object_of(manifest: BundleManifest, config: HandlerConfig) -> tuple[FileEntry, str, str]:
    archive = manifest.model_archive
    if archive is None:
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
    return archive, config.model_bucket, config.model_key


def _fetch(
    archive: FileEntry, files: tuple[FileEntry, ...], bucket: str, key: str, cache_dir: Path
) -> Path:
    folder = cache_dir / archive.sha256
    cache_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _only_one_process(cache_dir / f"{archive.sha256}.lock"):
        if _is_whole(folder, files):
            return folder
        # Left by an init that Lambda cut at its 10 s; it would fill /tmp. A damaged model
        # goes the same way.
        for leftover in (folder, *cache_dir.glob(f"{archive.sha256}.*.part")):
            shutil.rmtree(leftover, ignore_errors=True)
        prefix = f"{archive.sha256}."
        with tempfile.TemporaryDirectory(dir=cache_dir, prefix=prefix, suffix=".part") as scratch:
            zip_path = Path(scratch, "model.zip")
            _download(archive, bucket, key, zip_path)
            unpacked = Path(scratch, MODEL_FOLDER)
            _unpack(zip_path, files, unpacked)
            unpacked.rename(folder)
    return folder


def _is_whole(folder: Path, files: tuple[FileEntry, ...]) -> bool:
    try:
        verify_files(folder, files)
    except ModelIntegrityError:
        return False
    return folder.is_dir()


@contextmanager
def _only_one_process(lock_path: Path) -> Iterator[None]:
    # The kernel releases the lock of a killed process, so none is ever left behind.
    with lock_path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(archive: FileEntry, bucket: str, key: str, zip_path: Path) -> None:
    check = _Check(archive, f"s3://{bucket}/{key}")
    with zip_path.open("wb") as file, open_object(bucket, key, _CHUNK_BYTES) as chunks:
        for chunk in chunks:
            check.update(chunk)
            file.write(chunk)
    check.finish()


def _unpack(zip_path: Path, files: tuple[FileEntry, ...], folder: Path) -> None:
    folder.mkdir()
    try:
        with zipfile.ZipFile(zip_path) as archive:
            for entry in files:
                _unpack_file(archive, entry, folder / entry.path)
    except zipfile.BadZipFile as error:
        raise ModelIntegrityError(
            f"the model archive is no readable zip file ({error}): build and publish again"
        ) from error


def _unpack_file(archive: zipfile.ZipFile, entry: FileEntry, path: Path) -> None:
    check = _Check(entry, f"model file {entry.path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        source = archive.open(entry.path)
    except KeyError as error:
        raise ModelIntegrityError(
            f"model file {entry.path} is missing in the model archive: build and publish again"
        ) from error
    with source, path.open("wb") as target:
        for chunk in _chunks(source):
            check.update(chunk)
            target.write(chunk)
    check.finish()


def _storage_error(
    error: OSError, archive: FileEntry, files: tuple[FileEntry, ...]
) -> ModelFetchError:
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    if error.errno in _NO_SPACE:
        needed_mb = (archive.size_bytes + sum(entry.size_bytes for entry in files)) // 10**6 + 1
        return ModelFetchError(
            f"no room for the model ({reason}): it needs {needed_mb} MB, as archive and unpacked;"
            " raise the function's EphemeralStorage"
        )
    return ModelFetchError(
        f"the model cannot be stored ({reason}): PACKAGER_CACHE_DIR must be a writable folder"
    )
