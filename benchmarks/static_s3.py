"""A local S3 that is faster than what is measured with it: a static file server.

    python -m benchmarks.static_s3 FOLDER

Serves FOLDER/bucket/key at /bucket/key: GET and HEAD, one byte range, ETag, connections that
stay open; the kernel copies the bytes (sendfile). It checks no signature. moto's server, which
the tests use, takes seconds for 250 MB by ranges, so it would be what is measured.
"""

import http.server
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

_RANGE = re.compile(r"bytes=(\d+)-(\d*)$")
_ROOT = Path(__file__).parent.parent


@contextmanager
def static_s3(folder: Path) -> Iterator[str]:
    """Run the server in a process of its own and yield its endpoint URL."""
    argv = [sys.executable, "-m", "benchmarks.static_s3", str(folder)]
    with subprocess.Popen(argv, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder.resolve()


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
        path = self._path()
        if path is None:
            self._refuse(has_body=has_body)
            return
        with path.open("rb") as file:
            size = path.stat().st_size
            asked = self._range(size)
            is_part, (begin, end) = asked is not None, asked or (0, size)
            self.send_response(HTTPStatus.PARTIAL_CONTENT if is_part else HTTPStatus.OK)
            if is_part:
                self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("ETag", f'"{path.stat().st_mtime_ns:x}-{size:x}"')
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(end - begin))
            self.end_headers()
            if has_body and end > begin:
                self.connection.sendfile(file, begin, end - begin)

    def _path(self) -> Path | None:
        assert isinstance(self.server, _Server)
        name = unquote(urlsplit(self.path).path).lstrip("/")
        path = (self.server.folder / name).resolve()
        return path if path.is_file() and path.is_relative_to(self.server.folder) else None

    def _range(self, size: int) -> tuple[int, int] | None:
        asked = _RANGE.match(self.headers.get("Range", ""))
        if asked is None or int(asked[1]) >= size:
            return None
        return int(asked[1]), min(int(asked[2] or size) + 1, size)

    def _refuse(self, *, has_body: bool) -> None:
        body = b"<Error><Code>NoSuchKey</Code><Message>There is no such object</Message></Error>"
        self.send_response(HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if has_body:
            self.wfile.write(body)


def main() -> None:
    server = _Server(Path(sys.argv[1]))
    host, port = server.socket.getsockname()[:2]
    print(f"http://{host}:{port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
