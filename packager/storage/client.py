"""Reach S3: addresses, the client, and botocore's errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from packager.errors import ConfigError, StorageError, ToolMissing

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 60


S3Client: TypeAlias = Any
"""boto3's S3 client: boto3 makes the class at run time and has no types."""


def s3_client() -> S3Client:
    """Return a client for the user's AWS settings.

    Region, profile, credentials and `AWS_ENDPOINT_URL_S3` come from the environment and
    AWS's own files, as for every AWS tool.

    :raises StorageError: the settings themselves are broken.
    """
    # Half a second of import that `packager --help` must not pay.
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    with storage_errors("set up the S3 client"):
        client: S3Client = boto3.client("s3", config=config)
    return client


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key (or prefix) of `s3://bucket/key`; the key has no outer slashes.

    :raises ConfigError: it is no S3 address.
    """
    scheme, separator, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not separator or not bucket:
        raise ConfigError(f"{uri!r} is no S3 address", hint="Write it as s3://bucket/key.")
    return bucket, key.strip("/")


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Turn what botocore raises inside into a `StorageError`.

    :param what: the attempt, as "read s3://bucket/key"; the message says it failed.
    :raises StorageError: with the next step as its hint.
    :raises ToolMissing: the login needs a package of AWS's that is not installed.
    """
    from boto3.exceptions import Boto3Error  # as above: heavy
    from botocore.exceptions import BotoCoreError, ClientError, MissingDependencyException

    try:
        yield
    except ClientError as error:
        raise _refused(what, error) from error
    except MissingDependencyException as error:
        raise ToolMissing("awscrt", "Install it: pip install 'botocore[crt]'.") from error
    except BotoCoreError as error:
        raise _not_reached(what, error) from error
    except Boto3Error as error:
        # boto3 wraps the failure of a transfer and keeps the real one as its context.
        inner = error.__cause__ or error.__context__
        if isinstance(inner, ClientError):
            raise _refused(what, inner) from error
        raise _failed(what, str(error), None) from error


CREDENTIALS_HINT = (
    "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with"
    " `aws configure` or `aws sso login`."
)
NO_REGION_HINT = "Set AWS_DEFAULT_REGION, or `aws configure set region REGION`."
_ACCESS_HINT = (
    "The credentials need s3:GetObject, s3:PutObject and s3:ListBucket on this bucket and prefix."
)
_REFRESH_HINT = "Log in again (`aws sso login`) or renew the credentials in the environment."
_REGION_HINT = "Set AWS_DEFAULT_REGION to the bucket's region."
_ENDPOINT_HINT = (
    "Check the network, AWS_DEFAULT_REGION and, if it is set, AWS_ENDPOINT_URL_S3; then try again."
)

# S3's code, or the bare HTTP status that HEAD requests get -> what it means, what to do.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_REFUSALS: dict[str, tuple[str, str]] = {
    "NoSuchBucket": ("the bucket does not exist", "Check its name, the account and the region."),
    "NoSuchKey": ("there is no such object", "Check the key; `packager publish` prints it."),
    "404": ("there is no such bucket or object", "Check the names, the account and the region."),
    "AccessDenied": ("access denied", _ACCESS_HINT),
    "403": ("access denied", _ACCESS_HINT),
    "InvalidAccessKeyId": ("the access key is unknown", CREDENTIALS_HINT),
    "SignatureDoesNotMatch": ("the secret key is wrong", CREDENTIALS_HINT),
    "ExpiredToken": ("the credentials have expired", _REFRESH_HINT),
    "TokenRefreshRequired": ("the credentials have expired", _REFRESH_HINT),
    "InvalidToken": ("the session token is not valid", _REFRESH_HINT),
    "RequestTimeTooSkewed": ("this machine's clock is wrong", "Set the clock."),
    "PermanentRedirect": ("the bucket is in another region", _REGION_HINT),
    "301": ("the bucket is in another region", _REGION_HINT),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", _REGION_HINT),
    "IllegalLocationConstraintException": ("the bucket is in another region", _REGION_HINT),
    "BucketAlreadyExists": ("the name belongs to another account", "Choose another name."),
    "InvalidBucketName": ("the bucket's name is not valid", "Check --bucket."),
    "SlowDown": ("S3 asks to slow down", "Try again in a minute."),
    "InternalError": ("S3 had an internal error", "Try again."),
    "ServiceUnavailable": ("S3 is unavailable", "Try again in a minute."),
}


def error_code(error: Any) -> str:
    """Return AWS's name of what a `ClientError` is about; `unknown` for any other error."""
    response = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", "unknown"))


def _refused(what: str, error: Any) -> StorageError:
    details = error.response.get("Error", {})
    code = error_code(error)
    if code in _REFUSALS:
        meaning, hint = _REFUSALS[code]
        return _failed(what, f"{meaning} ({code})", hint)
    return _failed(what, f"{details.get('Message') or 'refused'} ({code})", None)


def _not_reached(what: str, error: Exception) -> StorageError:
    from botocore import exceptions  # as above: heavy

    text = str(error).rstrip(".")
    if isinstance(error, exceptions.ParamValidationError):
        return _failed(what, " ".join(text.split()), "Check the bucket's name and the key.")
    hints = {
        exceptions.NoRegionError: NO_REGION_HINT,
        exceptions.ProfileNotFound: "`aws configure list-profiles` lists those that there are.",
        exceptions.NoCredentialsError: CREDENTIALS_HINT,
        exceptions.PartialCredentialsError: CREDENTIALS_HINT,
        exceptions.CredentialRetrievalError: CREDENTIALS_HINT,
        exceptions.SSOError: _REFRESH_HINT,
    }
    found = (hint for kind, hint in hints.items() if isinstance(error, kind))
    return _failed(what, text, next(found, _ENDPOINT_HINT))


def _failed(what: str, why: str, hint: str | None) -> StorageError:
    return StorageError(f"could not {what}: {why}", hint=hint)
