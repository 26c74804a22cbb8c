"""An S3 that gives out files where they lie: for a function that fetches its model.

The kernel copies the bytes, so a model of gigabytes is neither in memory nor once more on disk.
moto's server, which takes uploads too, reads all of an object for each range of it.
"""

import http.server
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))$")
_MISSING = b"<Error><Code>NoSuchKey</Code><Message>There is no such object</Message></Error>"
_NO_RANGE = b"<Error><Code>InvalidRange</Code><Message>It has no such range</Message></Error>"


@contextmanager
def static_s3(objects: Mapping[str, Path]) -> Iterator[str]:
    """Serve files on the loopback address, on threads of this process; yield the endpoint URL.

    :param objects: `bucket/key` of each object and the file that has its bytes.
    """
    server = ObjectServer(objects.get)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class ObjectServer(http.server.ThreadingHTTPServer):
    """GET and HEAD, one byte range, ETag, connections that stay open. No signature is checked.

    :param find: the file of an object, by its `bucket/key`; None: there is no such object.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, find: Callable[[str], Path | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.find = find

    @property
    def url(self) -> str:
        """The endpoint's."""
        host, port = self.socket.getsockname()[:2]
        return f"http://{host}:{port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # The headers are a packet of their own: they shall not wait for the body's.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(has_body=True)

    def do_HEAD(self) -> None:
        self._answer(has_body=False)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, *, has_body: bool) -> None:
        assert isinstance(self.server, ObjectServer)
        path = self.server.find(unquote(urlsplit(self.path).path).lstrip("/"))
        if path is None:
            self._refuse(HTTPStatus.NOT_FOUND, _MISSING, has_body=has_body)
            return
        status = path.stat()
        size = status.st_size
        asked = self._range(size)
        is_part, (begin, end) = asked is not None, asked or (0, size)
        if is_part and begin >= end:
            self._refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, _NO_RANGE, has_body=has_body)
            return
        self.send_response(HTTPStatus.PARTIAL_CONTENT if is_part else HTTPStatus.OK)
        if is_part:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{status.st_mtime_ns:x}-{size:x}"')
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(end - begin))
        self.end_headers()
        if has_body and end > begin:
            self._send(path, begin, end)

    def _send(self, path: Path, begin: int, end: int) -> None:
        try:
            with path.open("rb") as file:
                self.connection.sendfile(file, begin, end - begin)
        except ConnectionError:  # whoever asked has gone: a check that ends, a timeout
            self.close_connection = True

    def _range(self, size: int) -> tuple[int, int] | None:
        """Return where the range begins and ends; it is empty where the object has none of it.

        None: the whole object is asked for.
        """
        asked = _RANGE.match(self.headers.get("Range", ""))
        if asked is None:
            return None
        if asked[3]:  # so many of the last bytes
            return max(size - int(asked[3]), 0), size
        return int(asked[1]), min(int(asked[2] or size) + 1, size)

    def _refuse(self, status: HTTPStatus, content: bytes, *, has_body: bool) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if has_body:
            self.wfile.write(content)
