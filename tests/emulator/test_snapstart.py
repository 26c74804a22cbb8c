"""SnapStart: one init, two restored copies of it, a request to each; Lambda's own runtime client.

A fork is the snapshot: the copy has the memory of its init, as a restored environment has.
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from packager.bundle.folder import MODEL_ZIP, read_bundle
from packager.local.function import Function
from packager.local.invoke import find_runtime, unpacked
from packager.local.static_s3 import static_s3
from packager.local.variables import variables_here

pytestmark = pytest.mark.runtime

COPIES = 2
LAUNCHER = """
import gc, json, os, random, socket, sys, threading
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient
from snapshot_restore_py import register_after_restore

ask_to_go_on = LambdaRuntimeClient.restore_next

def leave_open():
    host, _, port = sys.argv[1].partition(":")
    client = [socket.create_connection((host, int(port)))]
    client.append(client)  # a cycle, as boto3's clients are

gc.disable()  # so that none comes by chance
leave_open()

def connections():
    inodes = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            inodes.add(os.readlink(f"/proc/self/fd/{name}").removeprefix("socket:[").rstrip("]"))
        except OSError:
            pass  # that of the listing itself
    tables = [open(f"/proc/self/net/{name}").readlines()[1:] for name in ("tcp", "tcp6")]
    return [line for table in tables for line in table if line.split()[9] in inodes]

def snapshot(client):
    register_after_restore(tell)  # after the handler's own
    kept = {"connections": connections(), "threads": threading.active_count()}
    print(json.dumps(kept), flush=True)
    state = random.getstate()
    for _ in range(int(sys.argv[2])):
        if os.fork() == 0:
            random.setstate(state)  # a fork draws anew by itself, a restored copy does not
            return ask_to_go_on(client)
        os.wait()
    os._exit(0)

def tell():
    drawn = [random.random()]
    if "numpy" in sys.modules:
        drawn.append(sys.modules["numpy"].random.random())
    print(json.dumps({"drawn": drawn}), flush=True)
    if sys.argv[3:] == ["fail"]:
        raise ValueError("the hook of somebody else")

ask_for_an_event = LambdaRuntimeClient.wait_next_invocation
events = iter([ask_for_an_event])

def one_event(client):
    ask = next(events, None)
    return ask(client) if ask else os._exit(0)

LambdaRuntimeClient.restore_next = snapshot
LambdaRuntimeClient.wait_next_invocation = one_event
bootstrap.run("handler.main.handler", LambdaRuntimeClient(sys.argv[1]))
"""


@dataclass
class RuntimeApi:
    """Lambda's side: gives each copy one event, and credentials to who has the token."""

    event: dict[str, Any]
    answers: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    api: RuntimeApi

    def do_GET(self) -> None:
        self.api.asked.append(self.path)
        if self.path == "/credentials":
            self._reply(200, {"AccessKeyId": "AKID", "SecretAccessKey": "secret", "Token": "token"})
        elif self.path.endswith("/restore/next"):
            self._reply(200, {})
        else:
            self._reply(200, self.api.event)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.endswith("/response"):
            self.api.answers.append(json.loads(body))
        else:
            self.api.errors.append(f"{self.path} {body.decode()}")
        self._reply(202, {})

    def _reply(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.send_header("Lambda-Runtime-Aws-Request-Id", "c6af9ac6-7b61-11e6-9a41-93e8deadbeef")
        self.send_header("Lambda-Runtime-Deadline-Ms", "9999999999999")
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:::function:f")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def api(bundle_folder: Path) -> Iterator[RuntimeApi]:
    event = json.loads((bundle_folder / "events" / "http-api-dataframe-split.json").read_text())
    api = RuntimeApi(event)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": api}))
    api.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run_snapshot(
    bundle_folder: Path, api: RuntimeApi, tmp_path: Path, *words: str
) -> list[dict[str, Any]]:
    """Run an init and its copies; return what they printed as JSON, line by line."""
    bundle = read_bundle(bundle_folder)
    launcher = tmp_path / "launcher.py"
    launcher.write_text(LAUNCHER)
    objects = {"models/model.zip": bundle_folder / MODEL_ZIP}
    with unpacked(bundle.code_zips[0]) as root, static_s3(objects) as s3_url:
        python = find_runtime(bundle)
        function = Function(root, python, None, "", {}, memory_mib=1769, timeout_s=30)
        variables = variables_here(function, tmp_path)
        done = subprocess.run(
            [python, launcher, api.address, str(COPIES), *words],
            env={
                **{k: v for k, v in variables.items() if not k.startswith(("AWS_ACC", "AWS_SEC"))},
                "MODEL_BUCKET": "models",
                "MODEL_KEY": "model.zip",
                "AWS_ENDPOINT_URL_S3": s3_url,
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{api.address}/credentials",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "once",
            },
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr
    return [json.loads(line) for line in lines]


def test_restored_copies_answer_alike_and_draw_otherwise(
    bundle_folder: Path, api: RuntimeApi, tmp_path: Path
) -> None:
    lines = run_snapshot(bundle_folder, api, tmp_path)

    (init,) = [line for line in lines if line.get("type") == "init"]
    assert init["outcome"] == "ready"
    (kept,) = [line for line in lines if "connections" in line]
    assert kept == {"connections": [], "threads": 1}
    assert api.asked.count("/credentials") == 1
    drawn = [number for line in lines for number in line.get("drawn", [])]
    assert len(drawn) == len(set(drawn)) == 2 * COPIES, "of random and of numpy"
    assert [answer["statusCode"] for answer in api.answers] == [200] * COPIES
    assert api.answers[0]["body"] == api.answers[1]["body"]
    invocations = [line for line in lines if line.get("type") == "invocation"]
    assert [line["cold_start"] for line in invocations] == [False] * COPIES
    assert api.errors == []


def test_a_hook_that_fails_is_told_to_lambda_and_nothing_is_answered(
    bundle_folder: Path, api: RuntimeApi, tmp_path: Path
) -> None:
    run_snapshot(bundle_folder, api, tmp_path, "fail")

    assert len(api.errors) == COPIES
    assert all("/restore/error" in error for error in api.errors)
    assert all("the hook of somebody else" in error for error in api.errors)
    assert api.answers == []
