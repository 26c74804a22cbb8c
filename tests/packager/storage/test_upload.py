"""Uploads that were interrupted go on where they ended, and nothing is sent twice."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig

from packager.bundle.folder import Bundle
from packager.bundle.keys import model_key
from packager.errors import StorageError
from packager.local.storage import embedded_environment, embedded_s3
from packager.storage.publish import publish
from packager.storage.transfer import MULTIPART_BYTES, PART_BYTES
from tests.support.bundles import make_bundle
from tests.support.commands import packager
from tests.support.embedded import embedded_client
from tests.support.http_relay import S3Relay
from tests.support.relay import running

from .test_publish import Recorder, keys

SIZE_BYTES = MULTIPART_BYTES + 1
PARTS = 5


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with embedded_s3() as url:
        yield url


@pytest.fixture
def bucket(endpoint: str) -> str:
    """A bucket of the test's own: the server's memory outlives it."""
    name = f"upload-{uuid.uuid4().hex}"
    embedded_client(endpoint).create_bucket(Bucket=name)
    return name


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path, model=os.urandom(SIZE_BYTES))


def key_of(bundle: Bundle) -> str:
    assert bundle.manifest.model_archive is not None
    return model_key("packager", bundle.manifest.model_archive.sha256)


def content_of(bundle: Bundle) -> bytes:
    assert bundle.model_zip is not None
    return bundle.model_zip.read_bytes()


def stored(client: Any, bucket: str, bundle: Bundle) -> bytes:
    content: bytes = client.get_object(Bucket=bucket, Key=key_of(bundle))["Body"].read()
    return content


def unfinished(client: Any, bucket: str) -> set[str]:
    answer = client.list_multipart_uploads(Bucket=bucket)
    return {item["UploadId"] for item in answer.get("Uploads", [])}


def begin(client: Any, bucket: str, key: str, *parts: bytes, algorithm: str = "SHA256") -> str:
    """Leave an unfinished upload with these parts."""
    place = {"Bucket": bucket, "Key": key}
    upload_id: str = client.create_multipart_upload(**place, ChecksumAlgorithm=algorithm)[
        "UploadId"
    ]
    for number, part in enumerate(parts, 1):
        client.upload_part(
            **place,
            UploadId=upload_id,
            PartNumber=number,
            Body=part,
            ChecksumAlgorithm=algorithm,
        )
    return upload_id


def pieces(bundle: Bundle) -> list[bytes]:
    content = content_of(bundle)
    return [content[begin : begin + PART_BYTES] for begin in range(0, len(content), PART_BYTES)]


@pytest.mark.parametrize(
    ("number", "lists_checksums"),
    [(signal.SIGKILL, True), (signal.SIGKILL, False), (signal.SIGTERM, True)],
)
def test_a_publish_that_is_killed_is_gone_on_with(
    endpoint: str, bucket: str, bundle: Bundle, number: signal.Signals, lists_checksums: bool
) -> None:
    client = embedded_client(endpoint)
    stop_after, args = 2, ("publish", str(bundle.folder), "--bucket", bucket)
    with running(
        S3Relay(endpoint, stall_after_parts=stop_after, lists_checksums=lists_checksums)
    ) as relay:
        publishing = subprocess.Popen(
            [sys.executable, "-m", "packager", *args],
            env=os.environ | embedded_environment(relay.url),
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert relay.has_stalled.wait(60)
            publishing.send_signal(number)
            _, said = publishing.communicate(timeout=30)
        finally:
            publishing.kill()
        assert publishing.returncode == (130 if number == signal.SIGTERM else -number)
        assert ("the same command sends only the rest" in said) == (number == signal.SIGTERM)
        assert keys(client, bucket) == []
        assert len(unfinished(client, bucket)) == 1
        relay.admit_all()
        relay.operations.clear()

        done = packager(*args, env=embedded_environment(relay.url))

        assert done.returncode == 0, done.stderr
        assert relay.count("UploadPart") == PARTS - stop_after
        assert relay.count("CreateMultipartUpload") == 0
    assert f"{stop_after} of {PARTS} parts" in done.stderr
    assert "67.1 of 67.1 MB sent" in done.stderr
    assert stored(client, bucket, bundle) == content_of(bundle)
    assert unfinished(client, bucket) == set()
    head = client.head_object(Bucket=bucket, Key=key_of(bundle))
    assert head["ContentType"] == "application/zip"
    assert head["Metadata"]["sha256"] in key_of(bundle)


@pytest.mark.parametrize("lists_checksums", [True, False])
def test_a_part_that_was_damaged_is_replaced(
    endpoint: str, bucket: str, bundle: Bundle, lists_checksums: bool
) -> None:
    first, second, *_ = pieces(bundle)
    damaged = second[:-1] + bytes([second[-1] ^ 1])
    with running(S3Relay(endpoint, lists_checksums=lists_checksums, page_parts=1)) as relay:
        client = embedded_client(relay.url)
        begin(client, bucket, key_of(bundle), first, damaged, b"short")
        relay.operations.clear()
        publish(bundle, bucket, client=client)

        assert relay.count("ListParts") == 3
        assert relay.count("UploadPart") == PARTS - 1
    assert stored(embedded_client(endpoint), bucket, bundle) == content_of(bundle)
    assert unfinished(embedded_client(endpoint), bucket) == set()


def test_of_several_unfinished_uploads_the_newest_with_parts_is_taken_and_no_other_stays(
    endpoint: str, bucket: str, bundle: Bundle
) -> None:
    parts, key = pieces(bundle), key_of(bundle)
    with running(S3Relay(endpoint)) as relay:
        client = embedded_client(relay.url)
        begin(client, bucket, key, *parts[:2])
        begin(client, bucket, key, *parts[:3])
        begin(client, bucket, key)
        others = {
            begin(client, bucket, f"{key}.other"),
            begin(client, bucket, key, algorithm="CRC32"),
        }
        relay.operations.clear()
        progress = Recorder()
        publish(bundle, bucket, client=client, progress=progress)

        assert relay.count("UploadPart") == PARTS - 3
    assert any("3 of 5 parts" in message for message in progress.messages)
    assert "cleared unfinished uploads of the same file: 2" in progress.messages
    assert unfinished(embedded_client(endpoint), bucket) == others


def test_uploads_that_were_left_beside_a_whole_object_are_cleared(
    endpoint: str, bucket: str, bundle: Bundle
) -> None:
    client = embedded_client(endpoint)
    publish(bundle, bucket, client=client)
    begin(client, bucket, key_of(bundle), pieces(bundle)[0])
    report = publish(bundle, bucket, client=client)

    assert report.model is not None
    assert not report.model.is_uploaded
    assert unfinished(client, bucket) == set()


@pytest.mark.parametrize("denied", ["ListMultipartUploads", "ListParts"])
def test_who_may_not_list_uploads_sends_all_and_is_told(
    endpoint: str, bucket: str, bundle: Bundle, denied: str
) -> None:
    begin(embedded_client(endpoint), bucket, key_of(bundle), pieces(bundle)[0])
    with running(S3Relay(endpoint, refuse=refusing(denied, "AccessDenied"))) as relay:
        progress = Recorder()
        publish(bundle, bucket, client=embedded_client(relay.url), progress=progress)

        assert relay.count("UploadPart") == PARTS
    assert any("s3:ListBucketMultipartUploads" in message for message in progress.messages)
    assert stored(embedded_client(endpoint), bucket, bundle) == content_of(bundle)


def test_a_refusal_keeps_the_parts_that_were_sent(
    endpoint: str, bucket: str, bundle: Bundle
) -> None:
    progress = Recorder()
    refuse = refusing("CompleteMultipartUpload", "AccessDenied", times=1)
    with running(S3Relay(endpoint, refuse=refuse)) as relay:
        client = embedded_client(relay.url)
        with pytest.raises(StorageError, match="access denied"):
            publish(bundle, bucket, client=client, progress=progress)
        publish(bundle, bucket, client=client)

        assert relay.count("UploadPart") == PARTS
    assert "the same command sends only the rest" in progress.messages[-1]


def test_an_upload_that_is_cleared_meanwhile_is_begun_anew(
    endpoint: str, bucket: str, bundle: Bundle
) -> None:
    with running(
        S3Relay(endpoint, refuse=refusing("UploadPart", "NoSuchUpload", times=1))
    ) as relay:
        publish(bundle, bucket, client=embedded_client(relay.url))

        assert relay.count("CreateMultipartUpload") == 2
    assert stored(embedded_client(endpoint), bucket, bundle) == content_of(bundle)
    assert unfinished(embedded_client(endpoint), bucket) == set()


@pytest.mark.parametrize("is_ours", [True, False])
def test_an_object_of_parts_of_another_size_is_known_by_its_note(
    endpoint: str, bucket: str, bundle: Bundle, is_ours: bool
) -> None:
    client, key = embedded_client(endpoint), key_of(bundle)
    sha256 = key.split("/")[-2] if is_ours else "0" * 64
    client.upload_file(
        str(bundle.model_zip),
        bucket,
        key,
        ExtraArgs={"ChecksumAlgorithm": "SHA256", "Metadata": {"sha256": sha256}},
        Config=TransferConfig(multipart_threshold=1, multipart_chunksize=4 * PART_BYTES),
    )
    report = publish(bundle, bucket, client=client)

    assert report.model is not None
    assert report.model.is_uploaded != is_ours


def refusing(operation: str, code: str, times: int = 1_000) -> Callable[[str], str | None]:
    left = [times]

    def refuse(asked: str) -> str | None:
        if asked == operation and left[0] > 0:
            left[0] -= 1
            return code
        return None

    return refuse
