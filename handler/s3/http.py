"""GET over HTTP/1.1, and no more of HTTP than that takes.

http.client would bring `email` and TLS along: 20 ms of a cold start, against 3 ms.
"""

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssl import SSLContext

_HEAD_BYTES = 1 << 16
"""The longest head of an answer that is read."""


class HttpError(Exception):
    """There is no answer, or not all of it."""


class Unreachable(HttpError):
    """There is no connection."""


class Untrusted(HttpError):
    """The server's certificate is not accepted; says why."""


class Connection:
    """A connection to one server, for one request after the other.

    :param tls: what to trust; None: plain HTTP.
    :param connect_timeout_s: for all of the host's addresses together.
    :param read_timeout_s: how long the server may be silent.
    :raises HttpError: there is none.
    """

    def __init__(
        self,
        host: str,
        port: int,
        tls: "SSLContext | None",
        connect_timeout_s: float,
        read_timeout_s: float,
    ) -> None:
        self._socket = _connect(host, port, time.monotonic() + connect_timeout_s)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.settimeout(read_timeout_s)
            if tls is not None:
                self._socket = _secured(self._socket, tls, host)
        except BaseException:
            self._socket.close()
            raise

    def get(self, path: str, headers: Mapping[str, str]) -> "Answer":
        """Send a request and return the answer as soon as its head is there.

        :param path: percent-encoded.
        :param headers: `host` among them.
        :raises HttpError: the connection broke.
        """
        request = _request(path, headers)
        try:
            self._socket.sendall(request)
        except OSError as error:
            raise HttpError("the request could not be sent") from error
        return Answer(self._socket)

    def cut(self) -> None:
        """Break it: who reads from it in another thread shall not wait any longer."""
        with suppress(OSError):  # it is broken already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it; only for the thread that uses it."""
        self._socket.close()


class Answer:
    """What a server answered: the head at once, the body as it is read."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffered = b""
        self._failure: HttpError | None = None
        first, *lines = self._until(b"\r\n\r\n").split("\r\n")
        version, _, rest = first.partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
            raise HttpError("the answer is no HTTP")
        self.status = int(rest[:3])
        self.headers = {
            name.strip().lower(): text.strip()
            for name, _, text in (line.partition(":") for line in lines)
        }
        self._is_chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        # Of the chunk or of the body; None: it ends with the connection.
        self._left: int | None = 0 if self._is_chunked else self._length()
        self._is_over = self._left == 0 and not self._is_chunked
        keeps = self.headers.get("connection", "").lower() != "close" and version == "HTTP/1.1"
        self._keeps = keeps and self._left is not None

    @property
    def is_reusable(self) -> bool:
        """Whether the connection can take another request: all of the body was read."""
        return self._is_over and self._keeps

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer, but for the body's last bytes; return how many there were.

        :raises HttpError: the connection broke, or ended before the body did.
        """
        count = 0
        while count < len(buffer) and self._failure is None:
            try:
                if self._is_chunked and self._left == 0 and not self._is_over:
                    self._begin_chunk()
                if self._is_over:
                    break
                count += self._receive(buffer[count:])
            except HttpError as error:
                self._failure = error
        if self._failure is not None and not count:  # what came before it is given first
            raise self._failure
        return count

    def read(self, limit_bytes: int) -> bytes:
        """Return the rest of the body, or as much of it as the limit allows."""
        buffer = bytearray(limit_bytes)
        return bytes(buffer[: self.readinto(memoryview(buffer))])

    def _receive(self, buffer: memoryview) -> int:
        wanted = len(buffer) if self._left is None else min(len(buffer), self._left)
        if self._buffered:
            count = min(wanted, len(self._buffered))
            buffer[:count] = self._buffered[:count]
            self._buffered = self._buffered[count:]
        else:
            try:
                count = self._socket.recv_into(buffer[:wanted])
            except OSError as error:
                raise HttpError("the answer broke off") from error
            if not count:
                self._end()
        if self._left is not None:
            self._left -= count
            if not self._left and self._is_chunked:
                self._until()  # it ends the chunk
            elif not self._left:
                self._is_over = True
        return count

    def _end(self) -> None:
        if self._left is not None:
            raise HttpError("the answer broke off")
        self._is_over = True

    def _begin_chunk(self) -> None:
        try:
            self._left = int(self._until().partition(";")[0], 16)
        except ValueError as error:
            raise HttpError("the answer is no HTTP") from error
        if not self._left:
            while self._until():  # what may follow the last chunk
                pass
            self._is_over = True

    def _length(self) -> int | None:
        text = self.headers.get("content-length")
        if text is None:
            return 0 if self.status in (204, 304) else None
        if not text.isdigit():
            raise HttpError("the answer is no HTTP")
        return int(text)

    def _until(self, end: bytes = b"\r\n") -> str:
        while end not in self._buffered:
            if len(self._buffered) > _HEAD_BYTES:
                raise HttpError("the answer is no HTTP")
            try:
                received = self._socket.recv(_HEAD_BYTES)
            except OSError as error:
                raise HttpError("there is no answer") from error
            if not received:
                raise HttpError("the answer broke off")
            self._buffered += received
        text, _, self._buffered = self._buffered.partition(end)
        return text.decode("latin-1")


def _request(path: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
    text = "\r\n".join([*lines, "", ""])
    # Nothing that a header holds may begin another one. The text is not quoted: it is secret.
    if not text.isascii() or text.count("\r") + text.count("\n") != 2 * len(lines) + 2:
        raise HttpError("a header of the request holds what no header may")
    return text.encode("ascii")


def trusting(bundle: str | None) -> "SSLContext":
    """Return what decides which servers are trusted.

    :param bundle: a file of certificates; None: the system's.
    :raises Untrusted: it cannot be read.
    """
    import ssl  # 11 ms, and 20 ms for the certificates: not where the server has none

    try:
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise Untrusted("the bundle of certificates cannot be read") from error


def _connect(host: str, port: int, deadline_s: float) -> socket.socket:
    failure: OSError | None = None
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable("the host's name is not known") from error
    for family, kind, protocol, _, place in places:
        connection = None
        try:
            connection = socket.socket(family, kind, protocol)
            connection.settimeout(max(deadline_s - time.monotonic(), 0.01))
            connection.connect(place)
            return connection
        except OSError as error:
            failure = error
            if connection is not None:
                connection.close()
    raise Unreachable("nobody answers") from failure


def _secured(connection: socket.socket, tls: "SSLContext", host: str) -> socket.socket:
    import ssl

    try:
        return tls.wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise Untrusted(error.verify_message) from error
    except OSError as error:
        raise Unreachable("there is no secure connection") from error
