"""An S3 with one object, that first does whatever a test wants of it."""

import re
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Mishap = Callable[["Exchange"], None]


class Exchange(BaseHTTPRequestHandler):
    """One connection; every GET is a mishap as long as there are any, then the object."""

    protocol_version = "HTTP/1.1"
    server: "FaultyObjectServer"

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.requests.append({k.lower(): v for k, v in self.headers.items()})
            self.server.paths.append(self.path)
            mishap = self.server.mishaps.popleft() if self.server.mishaps else None
        (mishap or Exchange.serve)(self)

    def serve(
        self,
        etag: str = '"1"',
        cut_bytes: int = 0,
        data: bytes | None = None,
        then: Callable[[], object] | None = None,
    ) -> None:
        """Give the object or the range.

        :param cut_bytes: so many bytes before the end the connection breaks.
        :param then: called before it does.
        """
        data = self.server.data if data is None else data
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        begin = int(asked[1]) if asked else 0
        body = data[begin : int(asked[2]) + 1 if asked and asked[2] else None]
        if asked and begin >= len(data):
            self.refuse(416, "InvalidRange")
            return
        if self.headers.get("If-Match", etag) != etag:
            self.refuse(412, "PreconditionFailed")
            return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {begin}-{begin + len(body) - 1}/{len(data)}")
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) - cut_bytes])
        if then is not None:
            then()
        self.close_connection = cut_bytes > 0

    def refuse(
        self, status: int, code: str, headers: Mapping[str, str] | None = None, more: str = ""
    ) -> None:
        """Answer as S3 does: with XML, in chunks."""
        body = f"<?xml version='1.0'?>\n<Error><Code>{code}</Code>{more}</Error>".encode()
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in (body[:10], body[10:]):
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        pass


class FaultyObjectServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, data: bytes, mishaps: tuple[Mishap, ...] = ()) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.data = data
        self.mishaps = deque(mishaps)
        self.requests: list[dict[str, str]] = []
        """The headers of every GET."""
        self.paths: list[str] = []
        self.lock = threading.Lock()

    @property
    def ranges(self) -> list[str]:
        """What was asked for, in order; the whole is empty."""
        return [headers.get("range", "") for headers in self.requests]

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that go away are what is tested."""


@contextmanager
def object_server(
    data: bytes, *mishaps: Mishap, tls: ssl.SSLContext | None = None
) -> Iterator[FaultyObjectServer]:
    """Run it, in a thread."""
    server = FaultyObjectServer(data, mishaps)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
