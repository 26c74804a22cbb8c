"""Serve a model over HTTP on this machine, as `mlflow models serve` does."""

import contextlib
import http.client
import json
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packager.errors import ConfigError, ModelError, ToolError
from packager.local import process
from packager.local.prepared import EnvManager, PreparedModel, prepared_model
from packager.progress import LOGGED, Progress

READY_TIMEOUT_S = 300
"""How long a model may take to load."""
_PING_TIMEOUT_S = 30
_STOP_GRACE_S = 10
_CURL_EXAMPLE_LENGTH = 2000
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


@dataclass(frozen=True)
class ServeConfig:
    """How to serve; the defaults are MLflow's."""

    host: str = "127.0.0.1"
    port: int = 5000
    """0 takes a free one."""
    workers: int = 1
    timeout_s: int = 60
    """For one request."""
    env_manager: EnvManager = "uv"


@dataclass(frozen=True)
class Served:
    """A server that answers."""

    url: str
    curl: str | None
    """A command to try it; None when the model has no input example."""

    def __str__(self) -> str:
        """Return what to tell whoever started it."""
        words = f"Listening on {self.url}, Ctrl-C ends"
        return f"{words}\nTry: {self.curl}" if self.curl else words


def serve(
    folder: Path,
    config: ServeConfig,
    *,
    on_ready: Callable[[Served], None],
    progress: Progress = LOGGED,
) -> None:
    """Serve the model in this MLflow model folder until the server ends.

    An interrupt ends it: the server stops and what was made for it is removed.

    :param on_ready: called once, when the model is loaded and the server answers.
    :raises ConfigError: the address cannot be listened on.
    :raises ModelError: the model cannot be read or loaded.
    :raises ToolError: the server did not start, or ended by itself.
    :raises KeyboardInterrupt: the user ended it.
    """
    port = _check_address(config.host, config.port)
    with prepared_model(folder, config.env_manager, progress=progress) as model:
        progress.step("Loading the model")
        with _running_server(model, config, port) as server:
            _wait_until_ready(server, config.host, port)
            url = _url(config.host, port)
            on_ready(Served(url, _curl(url, model.spec.info.input_example)))
            status = server.wait()
        raise ToolError(f"the server ended with status {status}; its messages are above")


def _check_address(host: str, port: int) -> int:
    """Return the port to listen on, known to be free a moment ago."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As the server does: a port in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            bound: int = probe.getsockname()[1]
            return bound
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            hint="Choose another one with --port or --host.",
        ) from error


@contextmanager
def _running_server(
    model: PreparedModel, config: ServeConfig, port: int
) -> Iterator["subprocess.Popen[bytes]"]:
    argv = [str(model.python), "-m", "uvicorn", "handler.main:app"]
    argv += ["--host", config.host, "--port", str(port), "--workers", str(config.workers)]
    # The app writes one line for each request itself.
    argv += ["--log-level", "warning", "--no-access-log"]
    server = subprocess.Popen(
        [*process.tether(), *argv],
        cwd=model.skeleton,
        env=model.environment | {"MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": str(config.timeout_s)},
        stdin=subprocess.DEVNULL,
        # Its log is talk, not our result.
        stdout=sys.stderr,
        # A group of its own: Ctrl-C comes to us and we end it.
        start_new_session=True,
    )
    try:
        yield server
    finally:
        process.end_group(server, grace_s=_STOP_GRACE_S)


def _wait_until_ready(server: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise ToolError(
                f"the server ended with status {server.returncode} before it was ready;"
                " its messages are above"
            )
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, body = _ping(_ANY_ADDRESS.get(host, host), port)
            if status == http.client.OK:
                return
            raise ModelError(_message(body))
        time.sleep(0.05)
    raise ToolError(f"the model was not loaded within {READY_TIMEOUT_S} s")


def _ping(host: str, port: int) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host, port, timeout=_PING_TIMEOUT_S)
    with contextlib.closing(connection):
        connection.request("GET", "/ping")
        response = connection.getresponse()
        return response.status, response.read()


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return f"the server cannot use the model: {body[:500]!r}"


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _curl(url: str, example: dict[str, Any] | None) -> str | None:
    if example is None:
        return None
    body = json.dumps(example)
    if len(body) > _CURL_EXAMPLE_LENGTH:
        return None
    header = "Content-Type: application/json"
    return shlex.join(["curl", f"{url}/invocations", "-H", header, "-d", body])
