"""What S3's refusals look like to a user."""

import socket
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from packager.errors import ConfigError, StorageError
from packager.storage.client import s3_client, split_s3_uri, storage_errors


@pytest.fixture
def mocked_aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("s3://bucket/a/b.zip", "bucket", "a/b.zip"),
        ("s3://bucket/prefix/", "bucket", "prefix"),
        ("s3://bucket", "bucket", ""),
        ("s3://bucket/", "bucket", ""),
    ],
)
def test_an_s3_address_has_a_bucket_and_a_key(uri: str, bucket: str, key: str) -> None:
    assert split_s3_uri(uri) == (bucket, key)


@pytest.mark.parametrize("uri", ["bucket/key", "https://bucket/key", "s3:/bucket", "s3:///key"])
def test_another_address_is_refused_and_the_right_form_shown(uri: str) -> None:
    with pytest.raises(ConfigError, match="no S3 address") as caught:
        split_s3_uri(uri)
    assert "s3://bucket/key" in (caught.value.hint or "")


def test_a_missing_bucket_or_object_is_named_without_a_traceback(mocked_aws: None) -> None:
    client = s3_client()
    with (
        pytest.raises(StorageError, match="could not read it: the bucket does not exist"),
        storage_errors("read it"),
    ):
        client.get_object(Bucket="nowhere", Key="model.zip")

    boto3.client("s3").create_bucket(Bucket="here")
    with (
        pytest.raises(StorageError, match=r"there is no such object \(NoSuchKey\)"),
        storage_errors("read it"),
    ):
        client.get_object(Bucket="here", Key="model.zip")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDenied", "access denied"),
        ("403", "access denied"),
        ("ExpiredToken", "expired"),
        ("InvalidAccessKeyId", "access key is unknown"),
        ("PermanentRedirect", "another region"),
        ("301", "another region"),
    ],
)
def test_a_refusal_says_what_to_do_next(code: str, said: str) -> None:
    error = ClientError({"Error": {"Code": code, "Message": "no"}}, "GetObject")
    with pytest.raises(StorageError, match=said) as caught, storage_errors("read it"):
        raise error
    assert caught.value.hint
    assert caught.value.__cause__ is error


def test_an_unknown_refusal_keeps_what_s3_said() -> None:
    with (
        pytest.raises(StorageError, match=r"could not read it: Too odd \(Odd\)"),
        storage_errors("read it"),
    ):
        raise ClientError({"Error": {"Code": "Odd", "Message": "Too odd"}}, "GetObject")


def test_the_failure_inside_a_transfer_is_the_one_that_is_told(
    mocked_aws: None, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    with (
        pytest.raises(StorageError, match="the bucket does not exist"),
        storage_errors("upload it"),
    ):
        s3_client().upload_file(str(path), "nowhere", "key")


def test_without_credentials_the_hint_is_how_to_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    # An earlier test's credentials stay in the session that boto3 keeps for the process.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(StorageError) as caught, storage_errors("read it"):
        s3_client().head_bucket(Bucket="here")
    assert "AWS_PROFILE" in (caught.value.hint or "")


def test_an_endpoint_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:  # bound, never listening
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        with pytest.raises(StorageError, match=url) as caught, storage_errors("read it"):
            s3_client().head_bucket(Bucket="here")
    assert "AWS_ENDPOINT_URL_S3" in (caught.value.hint or "")


def test_a_bucket_name_that_cannot_be_is_a_storage_error() -> None:
    with pytest.raises(StorageError, match="Invalid bucket name"), storage_errors("read it"):
        s3_client().head_bucket(Bucket="not a bucket!")


def test_a_profile_that_is_not_there_is_a_storage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(StorageError, match="nobody"):
        s3_client()
