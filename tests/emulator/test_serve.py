"""`packager serve` beside the real `mlflow models serve`, both on the same model."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Example
from tests.support.commands import packager

COLUMNS = ["feature_0", "feature_1", "feature_2", "feature_3"]
ROWS = [[0.1, -0.2, 0.3, -0.4], [0.5, 0.6, -0.7, 0.8]]
ARTICLES_REQUEST = {"dataframe_split": {"columns": COLUMNS, "data": ROWS}}
REQUESTS = {
    "the article's": ("application/json", json.dumps(ARTICLES_REQUEST)),
    "records": (
        "application/json",
        json.dumps({"dataframe_records": [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]}),
    ),
    "inputs": (
        "application/json",
        json.dumps({"inputs": {name: [1.5, 2] for name in COLUMNS}}),
    ),
    "csv": ("text/csv", ",".join(COLUMNS) + "\n0.1,-0.2,0.3,-0.4\n"),
    "a missing column": (
        "application/json",
        json.dumps({"dataframe_split": {"columns": COLUMNS[:3], "data": [[1, 2, 3]]}}),
    ),
    "broken JSON": ("application/json", '{"dataframe_split": '),
    "no format key": ("application/json", "{}"),
    "another content type": ("text/plain", "hello"),
}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def running(argv: list[str], port: int, env: Mapping[str, str], log: Path) -> Iterator[int]:
    """Run a server until the block ends; yields its port once it answers /ping."""
    with log.open("wb") as output:
        server = subprocess.Popen(
            argv, env=dict(env), stdout=output, stderr=output, start_new_session=True
        )
    try:
        for _ in range(600):
            assert server.poll() is None, log.read_text()
            try:
                if request(port, "GET", "/ping")[0] == 200:
                    break
            except OSError:
                time.sleep(0.2)
        else:
            raise AssertionError(log.read_text())
        yield port
    finally:
        os.killpg(server.pid, signal.SIGINT)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def request(
    port: int, method: str, path: str, body: str = "", content_type: str = "application/json"
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body or None, {"Content-Type": content_type})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def mlflow_port(example: Example, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    folder = example.training_python.parent
    argv = [str(folder / "mlflow"), "models", "serve", "-m", example.uri, "-p", str(port)]
    # MLflow starts uvicorn through a shell, which must find the environment's.
    env = os.environ | example.env | {"PATH": f"{folder}:{os.environ['PATH']}"}
    log = tmp_path_factory.mktemp("mlflow") / "log"
    with running([*argv, "--env-manager", "local"], port, env, log):
        yield port


@pytest.fixture(scope="module")
def packager_port(example: Example, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    argv = [sys.executable, "-m", "packager", "serve", "-m", example.uri, "-p", str(port)]
    log = tmp_path_factory.mktemp("packager") / "log"
    with running(argv, port, os.environ | example.env, log):
        yield port


@pytest.mark.parametrize("name", REQUESTS)
def test_the_same_request_gets_the_same_answer(
    mlflow_port: int, packager_port: int, name: str
) -> None:
    content_type, body = REQUESTS[name]
    status, text = request(mlflow_port, "POST", "/invocations", body, content_type)
    our_status, our_text = request(packager_port, "POST", "/invocations", body, content_type)

    assert our_status == status
    if status == 200:
        assert our_text == text
    elif status == 400:
        theirs, ours = json.loads(text), json.loads(our_text)
        for key in ("error_code", "sqlstate", "error_class"):
            assert ours[key] == theirs[key], name
        assert set(ours) == {"error_code", "message", "sqlstate", "error_class"}


@pytest.mark.parametrize("path", ["/ping", "/health", "/invocations", "/nothing"])
def test_the_other_routes_answer_alike(mlflow_port: int, packager_port: int, path: str) -> None:
    assert request(packager_port, "GET", path) == request(mlflow_port, "GET", path)


def test_predict_prints_what_mlflow_models_predict_prints(example: Example, tmp_path: Path) -> None:
    (tmp_path / "input.json").write_text(json.dumps(ARTICLES_REQUEST))
    folder = example.training_python.parent
    theirs = subprocess.run(
        [
            str(folder / "mlflow"),
            "models",
            "predict",
            "-m",
            example.uri,
            "-i",
            str(tmp_path / "input.json"),
            "-o",
            str(tmp_path / "theirs.json"),
            "--env-manager",
            "local",
        ],
        env=os.environ | example.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert theirs.returncode == 0, theirs.stderr

    ours = packager(
        "predict",
        "-m",
        example.uri,
        "-i",
        tmp_path / "input.json",
        "-o",
        tmp_path / "ours.json",
        env=example.env,
    )

    assert ours.returncode == 0, ours.stderr
    assert (tmp_path / "ours.json").read_text() == (tmp_path / "theirs.json").read_text()
