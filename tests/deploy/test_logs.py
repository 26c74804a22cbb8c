"""`packager logs` against moto's CloudWatch."""

import json
import os
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.deploy.conftest import STACK, Account, Make

OURS = {
    "level": "ERROR",
    "type": "invocation",
    "method": "POST",
    "path": "/invocations",
    "status": 503,
    "duration_ms": 1.5,
    "cold_start": True,
}


class Log:
    """Writes into the deployed function's log, as Lambda would."""

    def __init__(self, account: Account) -> None:
        self.group = f"/aws/lambda/{STACK}"
        self.client: Any = account.client("logs")
        self.client.create_log_stream(logGroupName=self.group, logStreamName="1")

    def write(self, message: str, age_s: int = 0) -> None:
        event = {"timestamp": int((time.time() - age_s) * 1000), "message": message}
        self.client.put_log_events(logGroupName=self.group, logStreamName="1", logEvents=[event])


@pytest.fixture
def log(account: Account, bundle: Make) -> Log:
    done = account.deploy(bundle("one"))
    assert done.returncode == 0, done.stderr
    return Log(account)


def test_a_request_is_a_line_and_what_is_older_is_left_out(account: Account, log: Log) -> None:
    log.write("of yesterday", age_s=86_000)
    log.write("of the library", age_s=20)
    log.write(json.dumps(OURS), age_s=10)

    shown = account.packager("logs", "--stack", STACK)
    all_day = account.packager("logs", "--stack", STACK, "--since", "1d", "--json")

    assert shown.returncode == 0, shown.stderr
    first, second = shown.stdout.splitlines()
    assert first.endswith("Z of the library")
    assert second.endswith("Z ERROR POST /invocations 503  1.5 ms  cold start")
    messages = [json.loads(line)["message"] for line in all_day.stdout.splitlines()]
    assert messages == ["of yesterday", "of the library", OURS]


def test_following_shows_each_line_once_as_it_comes(account: Account, log: Log) -> None:
    log.write("first")
    command = [sys.executable, "-m", "packager", "logs", "--stack", STACK, "--follow"]
    env = os.environ | {"AWS_ENDPOINT_URL": account.url, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().endswith("Z first\n")
            log.write("second")
            assert process.stdout.readline().endswith("Z second\n")
        finally:
            process.terminate()


def test_an_age_before_all_logs_shows_all_of_it(account: Account, log: Log) -> None:
    log.write("first")

    shown = account.packager("logs", "--stack", STACK, "--since", "99999d")

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.endswith("Z first\n")


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (["--stack", "another"], "there is no stack another in us-east-1"),
        (["--stack", STACK, "--since", "soon"], "'soon' is no age"),
    ],
)
def test_what_cannot_be_shown_is_told(account: Account, args: list[str], error: str) -> None:
    shown = account.packager("logs", *args)
    assert shown.returncode == 2
    assert error in shown.stderr
    assert "Traceback" not in shown.stderr
