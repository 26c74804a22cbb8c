"""What to say when S3 does not give an object, whoever asked for it."""

from handler.errors import ModelFetchError

_MISSING_KEY = (
    "there is no such object",
    "run `packager publish` for this bundle, or correct MODEL_KEY",
)
_DENIED = (
    "access is denied",
    "allow s3:GetObject on it in the function's role (S3 answers the same for a missing object"
    " if s3:ListBucket is not allowed)",
)
_CHANGED = ("the object was replaced while it was read", "a later invocation tries again")
_HINTS = {
    "NoSuchKey": _MISSING_KEY,
    "404": _MISSING_KEY,
    "NoSuchBucket": ("there is no such bucket", "correct MODEL_BUCKET"),
    "AccessDenied": _DENIED,
    "403": _DENIED,
    "PreconditionFailed": _CHANGED,
    "412": _CHANGED,
}
"""S3's error code -> what happened, what to do next."""
NO_CREDENTIALS = ("there are no AWS credentials", "give the function a role")
UNREACHABLE = ("S3 cannot be reached", "in a VPC the function needs a gateway endpoint for S3")
BROKEN = ("the connection to S3 broke or timed out", "a later invocation tries again")


class BeyondUs(Exception):
    """Only boto3 can do this; says why."""


def refusal(code: str) -> tuple[str, str]:
    """Return what happened and what to do next.

    :param code: S3's error code, or the HTTP status where there is none.
    """
    return _HINTS.get(code, (f"S3 answered {code}", "see the function's log"))


def fetch_error(bucket: str, key: str, what: str, hint: str) -> ModelFetchError:
    """Return the error that names the object, the cause and the next step."""
    return ModelFetchError(f"cannot read s3://{bucket}/{key}: {what}; {hint}")
