"""AWS Signature Version 4 for requests without a body and without a query.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import NamedTuple

EMPTY_SHA256 = hashlib.sha256().hexdigest()
"""Of the body that such a request has."""
_ALGORITHM = "AWS4-HMAC-SHA256"


# Named tuples, here and in the neighbours: making a dataclass costs a cold start 1 ms each.
class Credentials(NamedTuple):
    """Who asks."""

    access_key: str
    secret_key: str
    token: str | None = None
    """Of temporary credentials."""

    def __repr__(self) -> str:
        """Show nothing that is secret."""
        return f"Credentials({self.access_key!r})"


class Scope(NamedTuple):
    """What a signature is good for, besides the one request."""

    region: str
    service: str = "s3"


def signed_headers(
    credentials: Credentials, scope: Scope, path: str, headers: Mapping[str, str], now_s: float
) -> dict[str, str]:
    """Return `headers` with those that make S3 accept a GET of `path`.

    :param path: percent-encoded, as it is sent.
    :param headers: lower-case names; `host` must be among them. All are signed.
    :param now_s: seconds since the epoch.
    """
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
    signed = {**headers, "x-amz-content-sha256": EMPTY_SHA256, "x-amz-date": date}
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    signed["authorization"] = authorization(credentials, scope, path, signed)
    return signed


def authorization(
    credentials: Credentials, scope: Scope, path: str, headers: Mapping[str, str]
) -> str:
    """Return the Authorization header of a GET with these headers, `x-amz-date` among them."""
    names = ";".join(sorted(headers))
    # Values count without outer blanks, and with one where there are several.
    fields = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))
    request = f"GET\n{path}\n\n{fields}\n{names}\n{EMPTY_SHA256}"
    date = headers["x-amz-date"]
    terms = (date[:8], scope.region, scope.service, "aws4_request")
    place = "/".join(terms)
    text = f"{_ALGORITHM}\n{date}\n{place}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_key}".encode()
    for term in terms:
        key = hmac.digest(key, term.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return (
        f"{_ALGORITHM} Credential={credentials.access_key}/{place},"
        f" SignedHeaders={names}, Signature={signature}"
    )
