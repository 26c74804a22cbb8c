"""The S3 that gives out files: read by the function's own reader."""

import http.client
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from handler.errors import ModelFetchError
from handler.s3.source import open_object
from packager.local.static_s3 import static_s3
from packager.local.storage import embedded_environment
from tests.support.embedded import embedded_client

CONTENT = bytes(range(256)) * 5000


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "model.zip").write_bytes(CONTENT)
    with static_s3({"bucket/a key": tmp_path / "model.zip"}) as url:
        for name, text in embedded_environment(url).items():
            monkeypatch.setenv(name, text)
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            monkeypatch.delenv(name)
        yield url


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize(
    ("start", "stop"), [(0, None), (0, 10), (255, 1_000_000), (1_279_990, None)]
)
def test_any_range_of_a_file_can_be_read(start: int, stop: int | None) -> None:
    with open_object("bucket", "a key") as source:
        assert b"".join(map(bytes, source.read(start, stop))) == CONTENT[start:stop]
        assert source.size_bytes == len(CONTENT)


def test_what_is_not_served_is_not_there(endpoint: str) -> None:
    with (
        open_object("bucket", "../model.zip") as source,
        pytest.raises(ModelFetchError, match="no such"),
    ):
        list(source.read(0, None))
    client = embedded_client(endpoint)
    assert client.head_object(Bucket="bucket", Key="a key")["ContentLength"] == len(CONTENT)
    assert client.get_object(Bucket="bucket", Key="a key")["Body"].read() == CONTENT


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-2", 206, CONTENT[:3]),
        ("bytes=1279998-", 206, CONTENT[-2:]),
        ("bytes=-3", 206, CONTENT[-3:]),
        ("bytes=-9999999", 206, CONTENT),
        ("bytes=5-2", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=1280000-", 416, None),
        ("bytes=9999999999999-", 416, None),
        ("lines=0-2", 200, CONTENT),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_each_range_is_answered_as_s3_answers_it(
    endpoint: str, method: str, asked: str, status: int, content: bytes | None
) -> None:
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=30)
    for _ in range(2):  # the connection stays usable
        connection.request(method, "/bucket/a%20key", headers={"Range": asked})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == status
        if content is None:
            assert method == "HEAD" or b"<Code>InvalidRange</Code>" in body
        else:
            assert body == (content if method == "GET" else b"")
            assert answer.headers["Content-Length"] == str(len(content))
    connection.close()
