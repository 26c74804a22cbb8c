"""S3's multipart uploads: the interrupted one is found, and only what it lacks is sent."""

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from queue import Empty, SimpleQueue
from typing import Any

from packager.errors import StorageError
from packager.storage.client import error_code, storage_errors
from packager.storage.transfer import ALGORITHM, CONTENT_TYPE, ByteCounter, Part, Transfer

logger = logging.getLogger(__name__)

_THREADS = 4


@dataclass(frozen=True)
class Upload:
    """A multipart upload under way."""

    id: str
    etags: Mapping[int, str] = field(default_factory=dict)
    """Of the parts that are there whole, by number."""
    is_findable: bool = True
    """The next run may list it, and go on with it."""


def earlier_upload(transfer: Transfer) -> Upload:
    """Return the newest unfinished upload that has parts of the file; a new one without any."""
    from botocore.exceptions import ClientError  # heavy

    try:
        for upload_id in _unfinished(transfer):
            if etags := _kept(transfer, upload_id):
                return Upload(upload_id, etags)
    except ClientError as error:
        if error_code(error) not in ("AccessDenied", "403"):
            raise
        transfer.progress.detail(
            "sending all of it, and nothing stays of an interruption: that takes"
            " s3:ListBucketMultipartUploads and s3:ListMultipartUploadParts, which are denied"
        )
        return new_upload(transfer, is_findable=False)
    return new_upload(transfer)


def _unfinished(transfer: Transfer) -> list[str]:
    """Return the ids of the file's unfinished uploads, the newest first."""
    pages = transfer.s3.get_paginator("list_multipart_uploads").paginate(
        Bucket=transfer.bucket, Prefix=transfer.key
    )
    found = [
        item
        for page in pages
        for item in page.get("Uploads", ())
        # Not every store says which checksums an upload has; with others it is not ours.
        if item["Key"] == transfer.key and item.get("ChecksumAlgorithm", ALGORITHM) == ALGORITHM
    ]
    return [item["UploadId"] for item in sorted(found, key=itemgetter("Initiated"))[::-1]]


def _kept(transfer: Transfer, upload_id: str) -> dict[int, str]:
    """Return the ETags of the parts there that equal the file's, by number."""
    ours = {part.number: part for part in transfer.parts}
    pages = transfer.s3.get_paginator("list_parts").paginate(**transfer.place, UploadId=upload_id)
    return {
        item["PartNumber"]: item["ETag"]
        for page in pages
        for item in page.get("Parts", ())
        if item["PartNumber"] in ours and _is_equal(transfer, ours[item["PartNumber"]], item)
    }


def _is_equal(transfer: Transfer, part: Part, listed: Mapping[str, Any]) -> bool:
    if listed["Size"] != part.size_bytes:
        return False
    if "ChecksumSHA256" in listed:
        return bool(listed["ChecksumSHA256"] == part.checksum)
    # A store that lists no checksums has the MD5 of a part as its ETag. It finds damage; against
    # forgers the function has the model's digest.
    md5 = hashlib.md5(transfer.read(part), usedforsecurity=False).hexdigest()
    return bool(listed["ETag"].strip('"') == md5)


def new_upload(transfer: Transfer, *, is_findable: bool = True) -> Upload:
    """Begin an upload from nothing."""
    answer = transfer.s3.create_multipart_upload(
        **transfer.place,
        ChecksumAlgorithm=ALGORITHM,
        ContentType=CONTENT_TYPE,
        Metadata=transfer.metadata,
    )
    return Upload(answer["UploadId"], is_findable=is_findable)


def complete(transfer: Transfer, upload: Upload) -> None:
    """Send the parts that are missing, and let S3 join all."""
    from botocore.exceptions import BotoCoreError, ClientError  # heavy

    etags = dict(upload.etags)
    missing = [part for part in transfer.parts if part.number not in etags]
    left_bytes = sum(part.size_bytes for part in missing)
    there_bytes = transfer.entry.size_bytes - left_bytes
    if etags:
        transfer.progress.detail(
            f"{len(etags)} of {len(transfer.parts)} parts ({there_bytes / 1e6:.1f} MB) are there"
            " from an interrupted upload"
        )
    count = ByteCounter(transfer.entry.size_bytes, transfer.progress, there_bytes)

    def send(part: Part) -> None:
        answer = transfer.s3.upload_part(
            **transfer.place,
            UploadId=upload.id,
            PartNumber=part.number,
            Body=transfer.read(part),
            ChecksumSHA256=part.checksum,
        )
        etags[part.number] = answer["ETag"]
        count(part.size_bytes)

    try:
        _in_threads(send, missing)
        listed = [
            {"PartNumber": part.number, "ETag": etags[part.number], "ChecksumSHA256": part.checksum}
            for part in transfer.parts
        ]
        transfer.s3.complete_multipart_upload(
            **transfer.place, UploadId=upload.id, MultipartUpload={"Parts": listed}
        )
    except (KeyboardInterrupt, BotoCoreError, ClientError) as error:
        if upload.is_findable and not is_gone(error):
            transfer.progress.detail(
                "the parts that arrived wait in S3: the same command sends only the rest"
            )
        raise


def _in_threads(work: Callable[[Part], None], parts: Sequence[Part]) -> None:
    """Do the work for all parts; the first that fails ends it.

    The threads are daemons: who interrupts the command does not wait for the megabytes that are
    on their way.
    """
    waiting: SimpleQueue[Part] = SimpleQueue()
    for part in parts:
        waiting.put(part)
    outcomes: SimpleQueue[Exception | None] = SimpleQueue()
    is_over = threading.Event()

    def run() -> None:
        while not is_over.is_set():
            try:
                part = waiting.get_nowait()
            except Empty:
                return
            try:
                work(part)
            except Exception as error:  # raised below, where somebody waits for it
                outcomes.put(error)
                return
            outcomes.put(None)

    for _ in range(min(_THREADS, len(parts))):
        threading.Thread(target=run, daemon=True).start()
    try:
        for _ in parts:
            if error := outcomes.get():
                raise error
    finally:
        is_over.set()


def is_gone(error: BaseException) -> bool:
    """Tell whether S3 no longer knows the upload: it was completed, or aborted."""
    return error_code(error) == "NoSuchUpload"


def abort_unfinished(transfer: Transfer) -> None:
    """Clear what other attempts left: the object is whole, and their parts would be paid for."""
    try:
        with storage_errors(f"clear the unfinished uploads of {transfer.uri}"):
            upload_ids = _unfinished(transfer)
            for upload_id in upload_ids:
                transfer.s3.abort_multipart_upload(**transfer.place, UploadId=upload_id)
    except StorageError as error:
        logger.info("%s", error)  # the object is there: who may not clear up has what she wants
        return
    if upload_ids:
        transfer.progress.detail(f"cleared unfinished uploads of the same file: {len(upload_ids)}")
