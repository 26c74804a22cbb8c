"""Bundles made by hand, S3 by moto or by a server that misbehaves, and Lambda's events."""

import hashlib
import io
import json
import os
import pickle
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from handler.config import HandlerConfig
from handler.manifest import BundleManifest, FileEntry, ModelInfo, TargetInfo
from handler.s3 import credentials, object as s3_module
from handler.telemetry import Telemetry
from packager.local.storage import embedded_s3
from packager.support.zips import frame_sha256
from tests.handler.s3.s3_asking import DATA, Serve
from tests.support.embedded import embedded_client
from tests.support.loops import closed_event_loop
from tests.support.object_server import FaultyObjectServer, Mishap, object_server

BUCKET = "models"
KEY = "iris/model.zip"


def entry(path: str, data: bytes) -> FileEntry:
    return FileEntry(path, len(data), hashlib.sha256(data).hexdigest())


def zip_of(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def event_loop() -> Iterator[None]:
    with closed_event_loop():
        yield


@pytest.fixture
def start() -> Callable[..., tuple[Any, Any]]:
    """Run a function's init; imported late, because importing is an init too."""
    from handler.main import start

    return start


@dataclass(frozen=True)
class Bundle:
    """A model and the manifest that pins it."""

    files: dict[str, bytes]
    archive: bytes
    manifest: BundleManifest
    config: HandlerConfig


def with_frame(bundle: Bundle, folder: Path) -> Bundle:
    """Pin the archive's frame too, as `packager build` does."""
    path = folder / "framed.zip"
    path.write_bytes(bundle.archive)
    frame = frame_sha256(path, bundle.files)
    path.unlink()
    return replace(bundle, manifest=replace(bundle.manifest, archive_frame_sha256=frame))


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[..., Bundle]:
    def make(files: Mapping[str, bytes] | None = None, source: str = "s3", **info: Any) -> Bundle:
        files = dict(files or {"MLmodel": b"flavors: {}\n", "data/model.pkl": b"weights"})
        archive = zip_of(files)
        model = ModelInfo(
            **{
                "flavor": "sklearn",
                "data_path": "model.pkl",
                "serialization_format": "pickle",
                "files": tuple(entry(path, data) for path, data in files.items()),
            }
            | info
        )
        manifest = BundleManifest(
            packager_version="0.1.0",
            target=TargetInfo("python3.11", "x86_64"),
            model=model,
            model_source="s3" if source == "s3" else "embedded",
            model_archive=entry("model.zip", archive) if source == "s3" else None,
        )
        config = HandlerConfig(
            task_root=tmp_path / "task",
            model_bucket=BUCKET,
            model_key=KEY,
            cache_dir=tmp_path / "cache",
        )
        bundle = Bundle(files, archive, manifest, config)
        return with_frame(bundle, tmp_path) if source == "s3" else bundle

    return make


@pytest.fixture
def write_task_root(tmp_path: Path) -> Callable[[Bundle], Path]:
    """Lay a bundle out as the function's package is: bundle.json and model/ if embedded."""

    def write(bundle: Bundle) -> Path:
        root = tmp_path / "task"
        root.mkdir()
        (root / "bundle.json").write_text(bundle.manifest.to_json())
        if bundle.manifest.model_source == "embedded":
            for path, data in bundle.files.items():
                target = root / "model" / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        return root

    return write


@pytest.fixture
def sklearn_bundle(make_bundle: Callable[..., Bundle]) -> Callable[[str], Bundle]:
    """A classifier that says whether x0 + x1 is positive."""

    def make(source: str) -> Bundle:
        import pandas as pd
        from sklearn.linear_model import LogisticRegression

        rows = pd.DataFrame({"x0": [-2.0, -1.0, 1.0, 2.0], "x1": [-1.0, -1.0, 1.0, 1.0]})
        column = {"type": "double", "required": True}
        return make_bundle(
            {"model.pkl": pickle.dumps(LogisticRegression().fit(rows, [0, 0, 1, 1]))},
            source,
            signature={
                "inputs": [column | {"name": "x0"}, column | {"name": "x1"}],
                "outputs": None,
                "params": None,
            },
            input_example={"dataframe_split": {"columns": ["x0", "x1"], "data": [[1.0, 2.0]]}},
        )

    return make


@pytest.fixture
def aws_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Credentials and region from the environment only, as on Lambda."""
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))  # without an .aws
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def whole_s3() -> Iterator[tuple[str, Any]]:
    """An S3 on the loopback address for all tests of this process: its URL and a client."""
    with embedded_s3() as url:
        client = embedded_client(url)
        yield url, client
        client.close()


@pytest.fixture
def s3(
    whole_s3: tuple[str, Any], aws_environment: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """An S3 with one empty bucket; `s3.put_object` fills it."""
    url, client = whole_s3
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    client.create_bucket(Bucket=BUCKET)
    yield client
    for item in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        client.delete_object(Bucket=BUCKET, Key=item["Key"])
    client.delete_bucket(Bucket=BUCKET)


@pytest.fixture
def upload(s3: Any) -> Callable[[bytes], None]:
    return lambda data: s3.put_object(Bucket=BUCKET, Key=KEY, Body=data)


@pytest.fixture
def fake_s3(
    aws_environment: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Callable[[BaseHTTPRequestHandler], None]], None]]:
    """Serve S3's endpoint by a function: for answers that moto never gives."""
    servers: list[ThreadingHTTPServer] = []

    def serve(answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                answer(self)
                self.close_connection = True

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@dataclass
class Log:
    """The lines that a `Telemetry` wrote, parsed."""

    lines: list[dict[str, Any]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["type"] == kind]

    @property
    def text(self) -> str:
        return json.dumps(self.lines)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def telemetry(log: Log) -> Telemetry:
    return Telemetry(write=lambda line: log.lines.append(json.loads(line)))


@pytest.fixture
def http_event() -> Callable[..., dict[str, Any]]:
    """An HTTP API event (payload 2.0) as API Gateway sends it, cut to what matters."""

    def make(
        method: str = "GET",
        path: str = "/ping",
        body: str | None = None,
        content_type: str = "application/json",
        *,
        stage: str = "$default",
        route: str = "$default",
    ) -> dict[str, Any]:
        return {
            "version": "2.0",
            "routeKey": route,
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"host": "abc.example.com", "content-type": content_type},
            "requestContext": {
                "stage": stage,
                "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
            },
            "body": body,
            "isBase64Encoded": False,
        }

    return make


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_module, "_PAUSE_S", 0.001)
    monkeypatch.setattr(credentials, "_PAUSE_S", 0.001)


@pytest.fixture
def serve_bytes(
    aws_environment: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., FaultyObjectServer]]:
    """Start an S3 with one object and these mishaps, and let the environment point to it."""
    running = []

    def start(data: bytes, *mishaps: Mishap) -> FaultyObjectServer:
        context = object_server(data, *mishaps)
        server = context.__enter__()
        running.append(context)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
        return server

    yield start
    for context in running:
        context.__exit__(None, None, None)


@pytest.fixture
def serve(serve_bytes: Callable[..., FaultyObjectServer]) -> Serve:
    """Start an S3 whose object does not matter."""
    return lambda *mishaps, data=DATA: serve_bytes(data, *mishaps)


@pytest.fixture
def in_a_container(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start an endpoint that gives credentials, as under SnapStart; there are no others."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    running = []

    def start(*mishaps: Mishap, document: object = None) -> FaultyObjectServer:
        fields = {
            "AccessKeyId": "CONTAINERKEY",
            "SecretAccessKey": "container secret",
            "Token": "container token",
            "Expiration": "2030-01-01T00:00:00Z",
        }
        context = object_server(json.dumps(document or fields).encode(), *mishaps)
        server = context.__enter__()
        running.append(context)
        url = f"http://127.0.0.1:{server.server_port}/creds?id=1"
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
        return server

    yield start
    for context in running:
        context.__exit__(None, None, None)
