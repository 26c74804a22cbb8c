"""Where an object of S3 is: host, path and region, as boto3 would resolve them."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from handler.s3.errors import BeyondUs

# botocore's partitions.json, by the regions' beginnings; all others are in the first one.
_SUFFIX = "amazonaws.com"
_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "eu-isoe-": "cloud.adc-e.uk",
    "us-isof-": "csp.hci.ic.gov",
}
_NO_FIPS = ("cn-",)
_GLOBAL_REGION = "us-east-1"
_REGION = re.compile(r"[a-z]+(-[a-z]+)+-\d+")
_BUCKET = re.compile(r"[a-zA-Z0-9.\-_]{1,255}")
_HOST_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
# Directory buckets, Outposts and Object Lambda have protocols of their own.
_OTHER_KIND = re.compile(r"--[a-z]+-s3$")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


class Address(NamedTuple):
    """One object's place."""

    is_tls: bool
    host: str
    port: int
    path: str
    """Percent-encoded, with the bucket where the host does not name it."""
    region: str

    @property
    def host_header(self) -> str:
        """The host as HTTP names it: with the port, where that is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def address_of(
    bucket: str, key: str, environ: Mapping[str, str], region: str | None = None
) -> Address:
    """Return where an object is.

    :param region: the bucket's; None: the function's own.
    :raises BeyondUs: only boto3 knows such buckets, or says what is wrong with the name.
    """
    if not _BUCKET.fullmatch(bucket):
        raise BeyondUs("the bucket's name is an ARN, or none")
    if _OTHER_KIND.search(bucket):
        raise BeyondUs("the bucket is of a special kind")
    place = region or _own_region(environ)
    endpoint = _custom_endpoint(environ)
    if endpoint:
        return _custom_address(endpoint, bucket, key, place)
    host = f"{_service(place, environ)}.{_suffix(place)}"
    if _HOST_LABEL.fullmatch(bucket):
        return Address(True, f"{bucket}.{host}", 443, f"/{quoted(key)}", place)
    # A wildcard certificate covers no dots, and a host name no other characters.
    return Address(True, host, 443, f"/{bucket}/{quoted(key)}", place)


def quoted(key: str) -> str:
    """Percent-encode all but RFC 3986's unreserved characters and the slash, once."""
    # As they came from the environment, should they be no UTF-8.
    octets = key.encode(errors="surrogateescape")
    return "".join(chr(octet) if octet in _UNRESERVED else f"%{octet:02X}" for octet in octets)


def is_region(name: str) -> bool:
    """Whether this may be part of a host name of S3's."""
    return _REGION.fullmatch(name) is not None


def _own_region(environ: Mapping[str, str]) -> str:
    # Lambda sets both, to the same; boto3 reads the first.
    name = environ.get("AWS_DEFAULT_REGION") or environ.get("AWS_REGION") or _GLOBAL_REGION
    if not is_region(name):
        raise BeyondUs(f"the region {name} is a special one")
    return name


def _custom_endpoint(environ: Mapping[str, str]) -> str | None:
    if _is_on(environ, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        return None
    return environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or None


def _custom_address(endpoint: str, bucket: str, key: str, region: str) -> Address:
    from urllib.parse import urlsplit  # not on the way to S3 itself

    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise BeyondUs("the endpoint's URL is unusual")
    is_tls = parts.scheme == "https"
    # Other servers, and endpoints in a VPC, know buckets by path.
    path = f"{parts.path.rstrip('/')}/{bucket}/{quoted(key)}"
    return Address(is_tls, parts.hostname, parts.port or (443 if is_tls else 80), path, region)


def _service(region: str, environ: Mapping[str, str]) -> str:
    is_fips = _is_on(environ, "AWS_USE_FIPS_ENDPOINT")
    is_dualstack = _is_on(environ, "AWS_USE_DUALSTACK_ENDPOINT")
    if is_fips and region.startswith(_NO_FIPS):
        raise BeyondUs("this partition has no FIPS endpoints")
    is_regional = environ.get("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "").lower() == "regional"
    if region == _GLOBAL_REGION and not (is_fips or is_dualstack or is_regional):
        return "s3"
    name = "s3-fips" if is_fips else "s3"
    return f"{name}.dualstack.{region}" if is_dualstack else f"{name}.{region}"


def _suffix(region: str) -> str:
    for beginning, suffix in _SUFFIXES.items():
        if region.startswith(beginning):
            return suffix
    return _SUFFIX


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").lower() == "true"
