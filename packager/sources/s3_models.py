"""Models in S3: an MLflow artifact folder at `s3://bucket/prefix`."""

from pathlib import Path, PurePosixPath

from packager.errors import MLmodelNotFound, ModelError
from packager.model.mlmodel import MLMODEL_NAME
from packager.progress import Progress
from packager.storage.client import S3Client, s3_client, split_s3_uri, storage_errors

MAX_OBJECTS = 10_000
"""A model folder has a few dozen objects; a prefix with more is the wrong prefix."""


def download_s3_model(uri: str, folder: Path, progress: Progress) -> Path:
    """Download every object below the prefix into `folder` and return it.

    :raises MLmodelNotFound: there is no MLmodel object right below the prefix.
    :raises ModelError: an object's key cannot be a path here, or there are too many.
    :raises StorageError: S3 refused or cannot be reached.
    """
    bucket, key = split_s3_uri(uri)
    if PurePosixPath(key).name == MLMODEL_NAME:
        key = key.removesuffix(MLMODEL_NAME).rstrip("/")
    prefix = f"{key}/" if key else ""
    client = s3_client()
    names = _list_names(client, bucket, prefix)
    if MLMODEL_NAME not in names:
        raise MLmodelNotFound(uri, hint=_nested_model_hint(bucket, prefix, names))
    progress.step(f"Downloading {len(names)} objects from {uri}")
    for name in names:
        _download_object(client, bucket, prefix, name, folder)
    return folder


def _list_names(client: S3Client, bucket: str, prefix: str) -> list[str]:
    """Return the keys below the prefix, without it; markers of empty folders left out."""
    names: list[str] = []
    with storage_errors(f"list s3://{bucket}/{prefix}"):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            keys = [item["Key"] for item in page.get("Contents", [])]
            names += [key[len(prefix) :] for key in keys if not key.endswith("/")]
            if len(names) > MAX_OBJECTS:
                raise ModelError(
                    f"more than {MAX_OBJECTS:,} objects below s3://{bucket}/{prefix}",
                    hint="Give the prefix of one model: the folder that holds its MLmodel file.",
                )
    return names


def _download_object(client: S3Client, bucket: str, prefix: str, name: str, folder: Path) -> None:
    # S3 takes any key: `../` in one must not write outside the temporary folder.
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or "\\" in name or "\0" in name:
        raise ModelError(f"s3://{bucket}/{prefix} holds the key {name!r}, which is no safe path")
    target = folder / pure
    target.parent.mkdir(parents=True, exist_ok=True)
    with storage_errors(f"read s3://{bucket}/{prefix}{name}"):
        client.download_file(bucket, f"{prefix}{name}", str(target))


def _nested_model_hint(bucket: str, prefix: str, names: list[str]) -> str | None:
    if not names:
        return f"Nothing is below s3://{bucket}/{prefix}: check the bucket and the prefix."
    nested = sorted(name for name in names if PurePosixPath(name).name == MLMODEL_NAME)
    if nested:
        return f"Did you mean s3://{bucket}/{prefix}{PurePosixPath(nested[0]).parent}?"
    return None
