"""The function's AWS credentials: those that Lambda gives it, and no others.

On demand Lambda puts them into environment variables; with SnapStart it offers them at a local
endpoint, for a snapshot may not hold any.
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-activate.html
"""

import json
import os
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from handler.s3.errors import BeyondUs
from handler.s3.http import Connection, HttpError, trusting
from handler.s3.sigv4 import Credentials

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_RELATIVE_URI = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
_FULL_URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
_TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
_CONTAINER_HOST = "169.254.170.2"
# Nobody else may be told the token: botocore's ContainerMetadataFetcher.
_HOSTS = (_CONTAINER_HOST, "169.254.170.23", "fd00:ec2::23", "localhost", "::1")
_TIMEOUT_S = 2.0
_ATTEMPTS = 3
_PAUSE_S = 0.2
_LIMIT_BYTES = 1 << 16


class NoCredentials(Exception):
    """The endpoint of the container gives none; says why, without anything secret."""


def find_credentials(environ: Mapping[str, str]) -> Credentials:
    """Return the credentials of the function, in boto3's order of places.

    :raises BeyondUs: they are in one of the places that boto3 alone reads, or nowhere.
    :raises NoCredentials: the container's endpoint does not give them.
    """
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        token = environ.get("AWS_SECURITY_TOKEN") or environ.get("AWS_SESSION_TOKEN")
        return Credentials(key, secret, token or None)
    is_in_container = _RELATIVE_URI in environ or _FULL_URI in environ
    if key or not is_in_container or _is_elsewhere(environ):
        raise BeyondUs("the credentials are not in the environment")
    return _from_container(environ)


def _is_elsewhere(environ: Mapping[str, str]) -> bool:
    if environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        return True
    file = environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
    return os.path.exists(os.path.expanduser(file))  # noqa: PTH110, PTH111 - what boto3 asks


def _from_container(environ: Mapping[str, str]) -> Credentials:
    parts = _place(environ)
    headers = {"host": parts.netloc, "accept": "application/json"}
    token = _container_token(environ)
    if token:
        headers["authorization"] = token
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_S)
        try:
            status, body = _ask(parts, headers)
        except HttpError as error:
            what = str(error)
            continue
        if status == 200:
            return _parsed(body)
        what = f"it answered {status}"
    raise NoCredentials(f"the container's endpoint gives none: {what}")


def _place(environ: Mapping[str, str]) -> "SplitResult":
    from urllib.parse import urlsplit  # only here: the environment has them nearly always

    relative = environ.get(_RELATIVE_URI)
    parts = urlsplit(f"http://{_CONTAINER_HOST}{relative}" if relative else environ[_FULL_URI])
    host = parts.hostname or ""
    if parts.scheme == "https" or host in _HOSTS or host.startswith("127."):
        return parts
    raise NoCredentials(f"{_FULL_URI} names a host that may not be asked")


def _container_token(environ: Mapping[str, str]) -> str | None:
    path = environ.get(_TOKEN_FILE)
    if not path:
        return environ.get(_TOKEN)
    try:
        return Path(path).read_text()
    except OSError as error:
        raise NoCredentials(f"{_TOKEN_FILE} cannot be read: {error.strerror}") from error


def _ask(parts: "SplitResult", headers: Mapping[str, str]) -> tuple[int, bytes]:
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    tls = trusting(None) if is_tls else None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with closing(Connection(parts.hostname or "", port, tls, _TIMEOUT_S, _TIMEOUT_S)) as connection:
        answer = connection.get(path, headers)
        return answer.status, answer.read(_LIMIT_BYTES)


def _parsed(body: bytes) -> Credentials:
    try:
        fields = json.loads(body)
        return Credentials(fields["AccessKeyId"], fields["SecretAccessKey"], fields.get("Token"))
    except (ValueError, KeyError, TypeError, AttributeError):
        # Not the cause: it quotes the answer.
        raise NoCredentials("the container's endpoint gives none that can be read") from None
