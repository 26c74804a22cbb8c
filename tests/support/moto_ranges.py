"""moto's S3 server for objects of gigabytes.

moto reads all of an object, under its lock, to give a range of it: for 2 GB no answer comes before
the function's own timeout. Here a GET of a range reads that range out of the file in which moto
keeps the object; all else is moto's.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


@contextmanager
def moto_with_ranges() -> Iterator[str]:
    """Run the server in this process, on a free port; yield its endpoint URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        running: Any = server._server
        running.app = _Ranges(running.app)
        yield f"http://{host}:{port}"
    finally:
        server.stop()


class _Ranges:
    """A WSGI application in front of moto's."""

    def __init__(self, moto: Any) -> None:
        self._moto = moto

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        asked = _RANGE.fullmatch(environ.get("HTTP_RANGE", ""))
        if environ["REQUEST_METHOD"] != "GET" or asked is None:
            answer: Iterable[bytes] = self._moto(environ, start_response)
            return answer
        bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
        item = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object(bucket, key)
        assert item is not None
        begin, end = int(asked[1]), min(int(asked[2]) + 1, item.contentsize)
        with item.lock:
            item._value_buffer.seek(begin)
            content = item._value_buffer.read(end - begin)
        headers = {
            "Content-Length": str(len(content)),
            "Content-Range": f"bytes {begin}-{end - 1}/{item.contentsize}",
            "ETag": item.etag,
        }
        start_response("206 Partial Content", list(headers.items()))
        return [content]
