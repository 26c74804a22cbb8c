"""A network between an S3 client and its server that knows S3's calls: counts, refuses, stalls."""

import http.client
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_OPERATIONS = {
    ("GET", "uploads"): "ListMultipartUploads",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("PUT", "uploadId"): "UploadPart",
    ("GET", "uploadId"): "ListParts",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}
_STATUSES = {"AccessDenied": 403, "NoSuchUpload": 404}


class S3Relay:
    """Forwards whole requests to a server.

    :param stall_after_parts: no answer comes to parts after so many.
    :param refuse: returns S3's code for an operation that is not to be forwarded.
    :param lists_checksums: name the parts' checksums when they are listed, as S3 does and moto
        does not.
    :param page_parts: so many parts in one answer.
    """

    def __init__(
        self,
        server_url: str,
        *,
        stall_after_parts: int | None = None,
        refuse: Callable[[str], str | None] = lambda operation: None,
        lists_checksums: bool = True,
        page_parts: int = 1000,
    ) -> None:
        self.operations: list[str] = []
        """All that were forwarded or refused."""
        self.has_stalled = threading.Event()
        self._netloc = urlsplit(server_url).netloc
        self._stall_after_parts = stall_after_parts
        self._refuse = refuse
        self._lists_checksums = lists_checksums
        self._page_parts = page_parts
        self._checksums: dict[tuple[str, str], str] = {}
        self._admitted = self._answered = 0
        self._lock = threading.Lock()
        self._is_closed = threading.Event()
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:  # the client was killed
                    self.close_connection = True

            def relay_request(self) -> None:
                relay._relay(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = relay_request  # noqa: N815 - its names

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._listener.daemon_threads = True
        self._listener.block_on_close = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.server_port}"

    def count(self, operation: str) -> int:
        return self.operations.count(operation)

    def admit_all(self) -> None:
        """Stall no more; what stalled stays so."""
        with self._lock:
            self._stall_after_parts = None

    def run(self) -> None:
        self._listener.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._is_closed.set()
        self._listener.shutdown()
        self._listener.server_close()

    def _relay(self, request: BaseHTTPRequestHandler) -> None:
        size_bytes = int(request.headers.get("Content-Length", 0))
        body = request.rfile.read(size_bytes)
        if len(body) < size_bytes:
            request.close_connection = True
            return
        query = parse_qs(urlsplit(request.path).query, keep_blank_values=True)
        operation = next(
            (
                operation
                for (method, name), operation in _OPERATIONS.items()
                if method == request.command and name in query
            ),
            "",
        )
        if operation == "UploadPart" and not self._admits_part():
            self._is_closed.wait()
            request.close_connection = True
            return
        with self._lock:
            self.operations.append(operation)
            refusal = self._refuse(operation)
        if refusal:
            text = f"<Error><Code>{refusal}</Code><Message>{refusal}</Message></Error>"
            _answer(request, _STATUSES[refusal], {"Content-Type": "application/xml"}, text.encode())
            return
        self._forward(request, operation, query, body)

    def _forward(
        self,
        request: BaseHTTPRequestHandler,
        operation: str,
        query: dict[str, list[str]],
        body: bytes,
    ) -> None:
        path = request.path
        if operation == "UploadPart":
            part = (query["uploadId"][0], query["partNumber"][0])
            self._checksums[part] = request.headers.get("x-amz-checksum-sha256", "none")
        elif operation == "ListParts":
            path += f"&max-parts={self._page_parts}"
        connection = http.client.HTTPConnection(self._netloc, timeout=60)
        connection.request(request.command, path, body, dict(request.headers))
        answer = connection.getresponse()
        content = answer.read()
        if operation == "ListParts" and self._lists_checksums:
            content = self._with_checksums(query["uploadId"][0], content)
        _answer(request, answer.status, dict(answer.headers), content)
        connection.close()
        if operation == "UploadPart":
            with self._lock:
                self._answered += 1
                if self._answered == self._stall_after_parts:
                    self.has_stalled.set()

    def _admits_part(self) -> bool:
        with self._lock:
            if self._admitted == self._stall_after_parts:
                return False
            self._admitted += 1
            return True

    def _with_checksums(self, upload_id: str, content: bytes) -> bytes:
        def named(found: re.Match[bytes]) -> bytes:
            checksum = self._checksums[upload_id, found[1].decode()].encode()
            return found[0] + b"<ChecksumSHA256>" + checksum + b"</ChecksumSHA256>"

        return re.sub(rb"<PartNumber>(\d+)</PartNumber>", named, content)


def _answer(
    request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], content: bytes
) -> None:
    request.send_response(status)
    for name, value in headers.items():
        if name.lower() not in ("connection", "transfer-encoding", "content-length"):
            request.send_header(name, value)
    if request.command == "HEAD":  # of the object, not of the answer
        request.send_header("Content-Length", headers.get("Content-Length", "0"))
    else:
        request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)
