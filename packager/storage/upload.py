"""Put a file into S3, whole or not at all; what an interrupted upload sent is not sent again."""

import base64
import hashlib
from pathlib import Path

from handler.manifest import FileEntry
from packager.errors import StorageError
from packager.progress import Progress
from packager.storage.client import S3Client, error_code, storage_errors
from packager.storage.multipart import (
    abort_unfinished,
    complete,
    earlier_upload,
    is_gone,
    new_upload,
)
from packager.storage.transfer import (
    ALGORITHM,
    CONTENT_TYPE,
    MULTIPART_BYTES,
    ByteCounter,
    Transfer,
    parts_of,
)

_COUNT_FROM_BYTES = 10_000_000
"""Smaller files are there before anybody wonders."""


def ensure_object(
    s3: S3Client, path: Path, entry: FileEntry, bucket: str, key: str, progress: Progress
) -> bool:
    """Return whether the file had to be sent; it is there now.

    :raises StorageError: S3 refused, cannot be reached, or did not keep what was sent.
    """
    transfer = Transfer(s3, path, entry, bucket, key, progress, parts_of(path, entry))
    must_send = not _is_there(transfer)
    if must_send:
        size_mb = entry.size_bytes / 1e6
        progress.step(f"Uploading {path.name} ({size_mb:.1f} MB) to {transfer.uri}")
        with storage_errors(f"upload {path.name} to {transfer.uri}"):
            (_send_in_parts if transfer.parts else _send_whole)(transfer)
        if not _is_there(transfer):
            raise StorageError(
                f"{transfer.uri} is not what was sent",
                hint="Something else writes to this key; try again.",
            )
    else:
        progress.step(f"Skipping {path.name}, it is there already: {transfer.uri}")
    if transfer.parts:
        abort_unfinished(transfer)
    return must_send


def _send_whole(transfer: Transfer) -> None:
    from boto3.s3.transfer import TransferConfig  # heavy

    size_bytes = transfer.entry.size_bytes
    transfer.s3.upload_file(
        str(transfer.path),
        transfer.bucket,
        transfer.key,
        ExtraArgs={
            "ChecksumAlgorithm": ALGORITHM,
            "ContentType": CONTENT_TYPE,
            "Metadata": transfer.metadata,
        },
        Config=TransferConfig(multipart_threshold=MULTIPART_BYTES),
        Callback=ByteCounter(size_bytes, transfer.progress)
        if size_bytes >= _COUNT_FROM_BYTES
        else None,
    )


def _send_in_parts(transfer: Transfer) -> None:
    from botocore.exceptions import ClientError  # heavy

    try:
        complete(transfer, earlier_upload(transfer))
    except ClientError as error:
        if not is_gone(error):
            raise
        # Another publish has completed it meanwhile, or a lifecycle rule has cleared it.
        if not _is_there(transfer):
            complete(transfer, new_upload(transfer))


def _is_there(transfer: Transfer) -> bool:
    from botocore.exceptions import ClientError  # heavy

    with storage_errors(f"look for {transfer.uri}"):
        try:
            head = transfer.s3.head_object(**transfer.place, ChecksumMode="ENABLED")
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchKey"):
                return False
            raise
    if head["ContentLength"] != transfer.entry.size_bytes:
        return False
    named, _, count = head.get("ChecksumSHA256", "").partition("-")
    expected = _checksum(transfer, int(count or head["ETag"].strip('"').partition("-")[2] or 0))
    # S3 computes the checksum itself. A store that keeps none has only our own note, and so has
    # an object whose parts have another size: an older packager's.
    if named and expected:
        return bool(named == expected)
    return bool(head["Metadata"].get("sha256") == transfer.entry.sha256)


def _checksum(transfer: Transfer, part_count: int) -> str | None:
    """Return what S3 says of the file: its digest, or that of its parts' digests.

    S3 adds `-` and the number of parts to the latter; other stores do not.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html

    :param part_count: of the object there, 0 when it was sent whole. None is known for other
        parts than ours.
    """
    if part_count == 0:
        digest = bytes.fromhex(transfer.entry.sha256)
    elif part_count == len(transfer.parts):
        digest = hashlib.sha256(b"".join(part.sha256 for part in transfer.parts)).digest()
    else:
        return None
    return base64.b64encode(digest).decode()
