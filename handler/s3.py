"""One object out of S3, and what to do when S3 does not give it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from handler.errors import ModelFetchError

# Lambda ends an init after 10 s and starts it again inside the first invocation, so waiting
# longer for one connection only hides the cause.
_CONNECT_TIMEOUT_S = 2
_READ_TIMEOUT_S = 10
_ATTEMPTS = 2

_MISSING_KEY = (
    "there is no such object",
    "run `packager publish` for this bundle, or correct MODEL_KEY",
)
_DENIED = (
    "access is denied",
    "allow s3:GetObject on it in the function's role (S3 answers the same for a missing object"
    " if s3:ListBucket is not allowed)",
)
_HINTS = {
    "NoSuchKey": _MISSING_KEY,
    "404": _MISSING_KEY,
    "NoSuchBucket": ("there is no such bucket", "correct MODEL_BUCKET"),
    "AccessDenied": _DENIED,
    "403": _DENIED,
}
"""S3's error code -> what happened, what to do next."""


@contextmanager
def open_object(bucket: str, key: str, chunk_bytes: int) -> Iterator[Iterator[bytes]]:
    """Give an object's bytes in chunks of at most `chunk_bytes`.

    :raises ModelFetchError: names bucket, key, cause and next step.
    """
    # Imported here: half a second that an embedded model or a warm folder does not pay.
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        with closing(_get(bucket, key)) as body:
            yield body.iter_chunks(chunk_bytes)
    except ClientError as error:
        raise _fetch_error(bucket, key, *_refusal(error.response)) from error
    except BotoCoreError as error:
        raise _fetch_error(bucket, key, *_failure(error)) from error


def _get(bucket: str, key: str) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
    )
    # A session of its own: boto3's default one would keep the credentials for the next try.
    client = boto3.session.Session().client("s3", config=config)
    return client.get_object(Bucket=bucket, Key=key)["Body"]


def _refusal(response: Any) -> tuple[str, str]:
    code = str(response.get("Error", {}).get("Code", "unknown"))
    return _HINTS.get(code, (f"S3 answered {code}", "see the function's log"))


def _failure(error: Exception) -> tuple[str, str]:
    from botocore import exceptions

    if isinstance(error, exceptions.NoCredentialsError):
        return "there are no AWS credentials", "give the function a role"
    if isinstance(error, exceptions.ConnectionError):
        return "S3 cannot be reached", "in a VPC the function needs a gateway endpoint for S3"
    if isinstance(error, (exceptions.HTTPClientError, exceptions.IncompleteReadError)):
        return "the connection to S3 broke or timed out", "a later invocation tries again"
    return type(error).__name__, "check MODEL_BUCKET and MODEL_KEY, and see the function's log"


def _fetch_error(bucket: str, key: str, what: str, hint: str) -> ModelFetchError:
    return ModelFetchError(f"cannot read s3://{bucket}/{key}: {what}; {hint}")
