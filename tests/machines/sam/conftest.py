"""An engine, Lambda's image in it, and a project as a user of the SAM CLI has it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Example
from tests.machines.sam.engine import GATEWAY, Engine, running_engine
from tests.machines.sam.image import make_image
from tests.support.commands import ROOT, packager
from tests.support.forked import Forked, forked

SAM = ROOT / ".tools" / "sam" / "bin" / "sam"
_LOCAL = ("samcli.commands.local.invoke.cli", "samcli.commands.local.cli_common.invoke_context")
BUCKET = "sam-models"
_ANSWERS_WITHIN_S = 60


@dataclass(frozen=True)
class Project:
    """A folder with `template.yaml`, `dist/` and `events/`, and its model in moto's S3."""

    folder: Path
    env: dict[str, str]
    overrides: tuple[str, ...]

    def sam(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SAM, *args],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def forked_sam(self) -> AbstractContextManager[Forked]:
        """Run `sam` many times in a row: to import it takes seconds, and here happens once."""
        python = SAM.with_name("python")
        command = "sam=samcli.cli.main:cli"
        return forked(python, command, *_LOCAL, cwd=self.folder, env=self.env)

    def local(self, *args: str | Path, api: str = "HTTP") -> list[str | Path]:
        """Return the words of a `sam local` command with this project's settings."""
        settings = ["--env-vars", self.folder / "env.json", "--skip-pull-image"]
        return ["local", *args, *settings, "--parameter-overrides", *self.overrides, f"Api={api}"]

    @contextmanager
    def server(self, *args: str | Path, api: str = "HTTP") -> Iterator[int]:
        """Yield the port of a `sam local start-...` server that answers."""
        port = free_port("127.0.0.1")
        command = self.local(*args, "--host", "127.0.0.1", "--port", str(port), api=api)
        with running([SAM, *command], "127.0.0.1", port, cwd=self.folder, env=self.env):
            yield port


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    # Not pytest's own folder: its path is too long for a socket's.
    folder = Path(tempfile.mkdtemp(prefix="packager-engine-"))
    with running_engine(folder) as started:
        yield started


@pytest.fixture(scope="session")
def project(
    engine: Engine,
    example: Example,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("sam")
    make_image(engine, tmp_path_factory.mktemp("image") / "root")
    # As it comes: SAM unzips it for every invocation, which with scikit-learn in it takes seconds.
    built = packager("build", example.uri, "--output", folder / "dist", env=example.env)
    assert built.returncode == 0, built.stderr
    shutil.copytree(ROOT / "events", folder / "events")
    shutil.copy(ROOT / "template.yaml", folder)
    port = free_port(GATEWAY)
    endpoint = f"http://{GATEWAY}:{port}"
    env = _environment(engine, folder, endpoint)
    (folder / "env.json").write_text(json.dumps({"Parameters": {"AWS_ENDPOINT_URL_S3": endpoint}}))
    with running(
        [sys.executable, "-m", "moto.server", "-H", GATEWAY, "-p", str(port)], GATEWAY, port
    ):
        publish = ("publish", "dist", "--bucket", BUCKET, "--create-bucket", "--json")
        done = packager(*publish, cwd=folder, env=env | {"AWS_ENDPOINT_URL_S3": endpoint})
        assert done.returncode == 0, done.stderr
        overrides = (
            f"ModelBucket={BUCKET}",
            f"ModelSha256={json.loads(done.stdout)['model']['sha256']}",
        )
        yield Project(folder, env, overrides)


def _environment(engine: Engine, folder: Path, endpoint: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SAM_"))}
    return kept | {
        "DOCKER_HOST": engine.host,
        "SAM_CLI_TELEMETRY": "0",
        "__SAM_CLI_APP_DIR": str(folder / "sam-home"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        # Or SAM asks the real one who it is, and waits.
        "AWS_ENDPOINT_URL_STS": endpoint,
    }


@contextmanager
def running(command: list[Any], host: str, port: int, **options: Any) -> Iterator[None]:
    """Run a server while the block runs; it answers when the block begins."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options
        )
        try:
            ends_s = time.monotonic() + _ANSWERS_WITHIN_S
            while not _listens(host, port):
                log.seek(0)
                assert process.poll() is None, log.read().decode()
                assert time.monotonic() < ends_s, log.read().decode()
                time.sleep(0.3)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _listens(host: str, port: int) -> bool:
    # In a process of its own: the tests themselves reach the loopback address alone.
    code = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)"
    asked = [sys.executable, "-c", code, host, str(port)]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def free_port(host: str) -> int:
    with socket.socket() as taken:
        taken.bind((host, 0))
        port: int = taken.getsockname()[1]
        return port
