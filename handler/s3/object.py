"""One object out of S3: signed GETs, tried again and resumed where they broke off."""

import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from handler.errors import ModelFetchError
from handler.s3.address import Address, address_of, is_region
from handler.s3.errors import BROKEN, UNREACHABLE, fetch_error, refusal
from handler.s3.http import Answer, Connection, HttpError, Unreachable, Untrusted, trusting
from handler.s3.sigv4 import Credentials, Scope, signed_headers

if TYPE_CHECKING:
    from ssl import SSLContext

_CONNECT_TIMEOUT_S = 2.0
_READ_TIMEOUT_S = 5.0
_ATTEMPTS = 4
"""For one range of bytes, the first one included."""
_PAUSE_S = 0.1
"""Before the second attempt; twice as much before each further one."""
_TRY_AGAIN_S = 9.0
"""How long after the last byte a range is given up, whatever S3 does. Lambda ends an init after
10 s and starts it again inside the first invocation, so trying longer only hides the cause."""
_CHUNK_BYTES = 1 << 20
_ERROR_BYTES = 1 << 16
_REDIRECTS = (301, 302, 307, 400)
_TRANSIENT = ("RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "InternalError")
_ERROR_FIELD = r"<%s>\s*([\w.-]+)\s*</%s>"


class _Refused(Exception):
    """S3 does not give the object.

    :param is_transient: the same question may get another answer, or is asked elsewhere next.
    """

    def __init__(self, code: str, *, is_transient: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.is_transient = is_transient


class S3Object:
    """A :class:`handler.s3.source.Source` over HTTP.

    It keeps connections for the ranges that follow, until it is closed.
    """

    def __init__(self, bucket: str, key: str, address: Address, credentials: Credentials) -> None:
        self.size_bytes: int | None = None
        self._bucket = bucket
        self._key = key
        self._address = address
        self._credentials = credentials
        self._etag: str | None = None
        self._lock = threading.Lock()
        self._tls: SSLContext | None = None
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._is_closed = False

    def read(self, start: int, stop: int | None) -> Iterator[memoryview]:
        """Give the bytes of a range; see :class:`handler.s3.source.Source`.

        :raises ModelFetchError: names bucket, key, cause and next step.
        """
        position, alive_s, failures = start, time.monotonic(), 0
        buffer = memoryview(bytearray(_CHUNK_BYTES))
        while stop is None or position < stop:
            try:
                for size in self._pieces(position, stop, buffer):
                    position += size
                    alive_s = time.monotonic()
                    yield buffer[:size]
            except (HttpError, _Refused) as error:
                failures += 1
                if not self._may_try_again(error, failures, alive_s):
                    raise self._fetch_error(error) from error
                _pause(failures)
            else:
                return

    def close(self) -> None:
        """Close all connections, those that are in use too."""
        with self._lock:
            self._is_closed = True
            for connection in self._idle:
                connection.close()
            for connection in self._busy:
                connection.cut()  # its own thread closes it

    def _may_try_again(self, error: Exception, failures: int, alive_s: float) -> bool:
        if isinstance(error, Untrusted) or self._is_closed:
            return False
        if isinstance(error, _Refused) and not error.is_transient:
            return False
        ends_s = time.monotonic() + _READ_TIMEOUT_S  # if S3 is silent then too
        return failures < _ATTEMPTS and ends_s - alive_s < _TRY_AGAIN_S

    def _pieces(self, start: int, stop: int | None, buffer: memoryview) -> Iterator[int]:
        """Fill the buffer again and again; give the number of bytes in it."""
        connection = self._connection()
        is_whole = False
        try:
            answer = self._answer(connection, start, stop)
            if answer.status == 416:
                return  # the object ends before
            self._skip(answer, start, buffer)
            left = sys.maxsize if stop is None else stop - start
            while size := answer.readinto(buffer[:left]):
                yield size
                left -= size
            is_whole = answer.is_reusable
        finally:
            self._release(connection, is_whole)

    def _answer(self, connection: Connection, start: int, stop: int | None) -> Answer:
        address = self._address
        headers = {"host": address.host_header}
        if start or stop is not None:
            headers["range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        if self._etag:
            headers["if-match"] = self._etag
        scope = Scope(address.region)
        signed = signed_headers(self._credentials, scope, address.path, headers, time.time())
        answer = connection.get(address.path, signed)
        if answer.status in (200, 206):
            self._check_identity(answer)
        elif answer.status != 416:
            self._refuse(answer)
        return answer

    def _check_identity(self, answer: Answer) -> None:
        etag = answer.headers.get("etag")
        if self._etag and etag != self._etag:
            raise _Refused("PreconditionFailed")
        self._etag = etag
        if answer.status == 200:
            size = answer.headers.get("content-length")
        else:
            size = answer.headers.get("content-range", "").rpartition("/")[2]
        if size and size.isdigit():
            self.size_bytes = int(size)

    def _skip(self, answer: Answer, start: int, buffer: memoryview) -> None:
        """Bring the answer to where the reading is to begin."""
        if answer.status == 206:
            if not answer.headers.get("content-range", "").startswith(f"bytes {start}-"):
                raise HttpError("the answer is for another range")
            return
        while start:  # a server that knows no ranges
            start -= answer.readinto(buffer[: min(start, len(buffer))]) or start

    def _refuse(self, answer: Answer) -> None:
        """Raise what the answer means; learn from it which region the bucket is in."""
        body = answer.read(_ERROR_BYTES).decode("utf-8", errors="replace")
        code = _field(body, "Code") or str(answer.status)
        region = answer.headers.get("x-amz-bucket-region") or _field(body, "Region")
        is_elsewhere = region is not None and region != self._address.region and is_region(region)
        if answer.status in _REDIRECTS and region and is_elsewhere:
            self._address = address_of(self._bucket, self._key, os.environ, region)
            raise _Refused(code, is_transient=True)
        is_transient = answer.status >= 500 or answer.status == 429 or code in _TRANSIENT
        raise _Refused(code, is_transient=is_transient)

    def _connection(self) -> Connection:
        connection = self._idle_connection() or Connection(
            self._address.host, self._address.port, self._tls, _CONNECT_TIMEOUT_S, _READ_TIMEOUT_S
        )
        with self._lock:
            self._busy.add(connection)
            if self._is_closed:  # since, by another thread
                connection.cut()
        return connection

    def _idle_connection(self) -> Connection | None:
        with self._lock:
            if self._is_closed:
                raise HttpError("the reading was ended")
            if self._idle:
                return self._idle.pop()
            if self._address.is_tls and self._tls is None:
                bundle = os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE")
                self._tls = trusting(bundle or None)
            return None

    def _release(self, connection: Connection, is_whole: bool) -> None:
        with self._lock:
            self._busy.discard(connection)
            if is_whole and not self._is_closed:
                self._idle.append(connection)
                return
        connection.close()

    def _fetch_error(self, error: Exception) -> ModelFetchError:
        what, hint = _cause(error)
        return fetch_error(self._bucket, self._key, what, hint)


def _cause(error: Exception) -> tuple[str, str]:
    if isinstance(error, _Refused):
        return refusal(error.code)
    if isinstance(error, Untrusted):
        return f"its certificate is not trusted ({error})", "set AWS_CA_BUNDLE, or unset it"
    return UNREACHABLE if isinstance(error, Unreachable) else BROKEN


def _field(body: str, name: str) -> str | None:
    found = re.search(_ERROR_FIELD % (name, name), body)
    return found[1] if found else None


def _pause(failures: int) -> None:
    # Between half and all of it: functions that fail together shall not come back together.
    share = 0.5 + os.urandom(1)[0] / 512
    time.sleep(_PAUSE_S * 2 ** (failures - 1) * share)
