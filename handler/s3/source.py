"""Where the bytes of the model's archive come from.

boto3 takes most of half a second of a cold start, `object.py` a few milliseconds. boto3 is still
used where the environment asks for what only boto3 does.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from handler.s3.address import Address, address_of
from handler.s3.credentials import NoCredentials, find_credentials
from handler.s3.errors import NO_CREDENTIALS, BeyondUs, fetch_error
from handler.s3.object import S3Object

_SETTINGS = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SIGV4A_SIGNING_REGION_SET",
)

_logger = logging.getLogger(__name__)


class Source(Protocol):
    """One object, of which any range of bytes can be read, by several threads."""

    @property
    def size_bytes(self) -> int | None:
        """Of the whole object; None: not known (yet)."""

    def read(self, start: int, stop: int | None) -> Iterator[memoryview]:
        """Give the bytes from `start` to before `stop`, fewer if the object ends before.

        Each piece is good until the next one is asked for.

        :param stop: None: the object's end.
        :raises ModelFetchError: names bucket, key, cause and next step.
        """

    def close(self) -> None:
        """End every reading; ours end in other threads too, boto3's when they have read on."""


@contextmanager
def open_object(bucket: str, key: str) -> Iterator[Source]:
    """Give an object to read.

    :raises ModelFetchError: there are no credentials; names bucket and key.
    """
    source = _source(bucket, key)
    try:
        yield source
    finally:
        source.close()


def _source(bucket: str, key: str) -> Source:
    try:
        _check_surroundings(os.environ)
        address = address_of(bucket, key, os.environ)
        if _has_proxy(os.environ, address):
            raise BeyondUs("there is a proxy")
        return S3Object(bucket, key, address, find_credentials(os.environ))
    except NoCredentials as error:
        what, hint = NO_CREDENTIALS
        raise fetch_error(bucket, key, f"{what} ({error})", hint) from error
    except BeyondUs as why:
        from handler.s3.boto3_object import Boto3Object  # as heavy as boto3

        _logger.warning("The model is fetched by boto3, which takes longer: %s", why)
        return Boto3Object(bucket, key)


def _check_surroundings(environ: Mapping[str, str]) -> None:
    for name in _SETTINGS:
        if environ.get(name):
            raise BeyondUs(f"{name} is set")
    if os.path.exists(os.path.expanduser("~/.aws/config")):  # noqa: PTH110, PTH111 - the fastest
        raise BeyondUs("there is a configuration file for AWS")


def _has_proxy(environ: Mapping[str, str], address: Address) -> bool:
    names = ("https_proxy", "all_proxy") if address.is_tls else ("http_proxy", "all_proxy")
    return any(environ.get(name) or environ.get(name.upper()) for name in names)
