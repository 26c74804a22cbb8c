"""One object out of S3 by boto3, which the runtime has: for what `handler/s3/object.py` cannot.

Profiles, shared configuration, web identities, proxies, access points, buckets of other kinds.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from handler.errors import ModelFetchError
from handler.s3.errors import BROKEN, NO_CREDENTIALS, UNREACHABLE, fetch_error, refusal

_CONNECT_TIMEOUT_S = 2
_READ_TIMEOUT_S = 10
_ATTEMPTS = 2
_CHUNK_BYTES = 1 << 18


class Boto3Object:
    """A :class:`handler.s3.source.Source`."""

    def __init__(self, bucket: str, key: str) -> None:
        self.size_bytes: int | None = None
        self._bucket = bucket
        self._key = key
        self._client: Any = None
        self._etag: str | None = None

    def read(self, start: int, stop: int | None) -> Iterator[memoryview]:
        """Give the bytes of a range; see :class:`handler.s3.source.Source`.

        :raises ModelFetchError: names bucket, key, cause and next step.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            with closing(self._body(start, stop)) as body:
                for chunk in body.iter_chunks(_CHUNK_BYTES):
                    yield memoryview(chunk)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            if code != "InvalidRange":  # the object ends before
                raise self._error(*refusal(code)) from error
        except BotoCoreError as error:
            raise self._error(*_failure(error)) from error

    def close(self) -> None:
        """Close the connections that wait for another range."""
        if self._client is not None:
            self._client.close()

    def _body(self, start: int, stop: int | None) -> Any:
        self._client = self._client or _client()
        options = {"IfMatch": self._etag} if self._etag else {}
        if start or stop is not None:
            options["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        answer = self._client.get_object(Bucket=self._bucket, Key=self._key, **options)
        self._etag = answer.get("ETag")
        whole = answer.get("ContentRange", "").rpartition("/")[2]
        self.size_bytes = int(whole) if whole.isdigit() else answer.get("ContentLength")
        return answer["Body"]

    def _error(self, what: str, hint: str) -> ModelFetchError:
        return fetch_error(self._bucket, self._key, what, hint)


def _client() -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
    )
    # A session of its own: boto3's default one would keep the credentials for the next try.
    return boto3.session.Session().client("s3", config=config)


def _failure(error: Exception) -> tuple[str, str]:
    from botocore import exceptions

    if isinstance(error, exceptions.NoCredentialsError):
        return NO_CREDENTIALS
    if isinstance(error, exceptions.ConnectionError):
        return UNREACHABLE
    if isinstance(error, (exceptions.HTTPClientError, exceptions.IncompleteReadError)):
        return BROKEN
    return type(error).__name__, "check MODEL_BUCKET and MODEL_KEY, and see the function's log"
