"""A package index of wheels that tells when each was uploaded (PEP 691 and 700)."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

from packaging.utils import canonicalize_name, parse_wheel_filename


@contextmanager
def dated_index(folder: Path, uploads: Mapping[str, str]) -> Iterator[str]:
    """Serve the wheels in this folder, and yield the index's URL.

    :param uploads: day of upload by `name==version`, as 2023-05-31; others have none told.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = unquote(self.path).strip("/").split("/")
            if parts[0] == "files":
                self._answer("application/octet-stream", (folder / parts[1]).read_bytes())
                return
            files = [_file(path, uploads) for path in sorted(folder.glob("*.whl"))]
            own = [file for name, file in files if name == canonicalize_name(parts[-1])]
            if not own:
                self.send_error(404)
                return
            page = {"meta": {"api-version": "1.1"}, "name": parts[-1], "files": own}
            self._answer("application/vnd.pypi.simple.v1+json", json.dumps(page).encode())

        def _answer(self, kind: str, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - its name

        def log_message(self, *_: object) -> None:  # stderr is the test's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    thread.join()
    server.server_close()


def _file(path: Path, uploads: Mapping[str, str]) -> tuple[str, dict[str, object]]:
    name, version, *_ = parse_wheel_filename(path.name)
    file: dict[str, object] = {
        "filename": path.name,
        "url": f"/files/{path.name}",
        "hashes": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
        "size": path.stat().st_size,
    }
    if day := uploads.get(f"{name}=={version}"):
        file["upload-time"] = f"{day}T12:00:00Z"
    return name, file
