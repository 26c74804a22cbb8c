"""What a user of the SAM CLI does with the template at the top, for real."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from packager.local.response import decode_response
from tests.conftest import Example
from tests.machines.sam.conftest import Project
from tests.support.commands import packager

pytestmark = pytest.mark.sam

SCORING = {"dataframe_split": {"columns": [f"feature_{i}" for i in range(4)], "data": [[0.1] * 4]}}


def expected_answers(project: Project, events: list[Path]) -> list[tuple[int, Any]]:
    flags = [word for event in events for word in ("--event", str(event))]
    done = packager("invoke", project.folder / "dist", *flags, "--json")
    assert done.stdout, done.stderr
    answered = json.loads(done.stdout)
    items = answered if isinstance(answered, list) else [answered]
    return [(item["statusCode"], item["body"]) for item in items]


def answer_of(project: Project, event: Path, *template: str | Path) -> tuple[int, Any]:
    return response_of(project.sam(*project.local("invoke", "--event", event, *template)))


def response_of(done: subprocess.CompletedProcess[str]) -> tuple[int, Any]:
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip(), done.stderr
    response = decode_response(json.loads(done.stdout.strip().splitlines()[-1]))
    assert response is not None, done.stdout + done.stderr
    return response.status, response.body


def test_sam_finds_nothing_wrong_with_the_template(project: Project) -> None:
    done = project.sam("validate", "--lint")
    assert done.returncode == 0, done.stdout + done.stderr


def test_sam_local_invoke_answers_every_event_as_packager_invoke_does(
    project: Project,
) -> None:
    events = sorted((project.folder / "events").glob("*.json"))
    expected = expected_answers(project, events)
    # One after the other: SAM commands that run side by side can choose the same port.
    with project.forked_sam() as sam:
        commands = [project.local("invoke", "--event", event) for event in events]
        answers = [response_of(sam.run(*command)) for command in commands]
    for event, (status, body) in zip(events, answers, strict=True):
        print(f"{event.stem:40} {status} {json.dumps(body)[:70]}")  # noqa: T201 - CI's log

    assert dict(zip(events, answers, strict=True)) == dict(zip(events, expected, strict=True))
    assert len(events) > 20


def test_what_sam_build_makes_answers_too(project: Project) -> None:
    done = project.sam("build")
    assert done.returncode == 0, done.stderr
    event = project.folder / "events" / "http-api-dataframe-split.json"
    built = project.folder / ".aws-sam" / "build" / "template.yaml"

    assert answer_of(project, event, "--template", built)[0] == 200


def test_sam_build_builds_the_model_of_a_project_of_packager_init(
    project: Project, example: Example, tmp_path: Path
) -> None:
    path = f"{Path(sys.executable).parent}:{project.env['PATH']}"
    mine = replace(
        project, folder=tmp_path, env=project.env | example.env | {"PATH": path}, overrides=()
    )
    started = packager("init", example.uri, "--sam", "--runtime", "python3.11", cwd=tmp_path)
    assert started.returncode == 0, started.stderr
    for command in ("validate", "--lint"), ("build",):
        done = mine.sam(*command)
        assert done.returncode == 0, done.stdout + done.stderr

    event = tmp_path / "dist" / "events" / "http-api-dataframe-split.json"
    answer = response_of(mine.sam("local", "invoke", "--event", event, "--skip-pull-image"))
    assert answer == expected_answers(mine, [event])[0]
    assert answer[0] == 200


@pytest.mark.parametrize("api", ["HTTP", "REST"])
def test_sam_local_start_api_has_all_routes(project: Project, api: str) -> None:
    with project.server("start-api", "--warm-containers", "LAZY", api=api) as port:
        for path in ("/ping", "/health", "/version"):
            assert ask(port, path)[0] == 200, path
        status, body = ask(port, "/invocations", json.dumps(SCORING).encode())
        assert status == 200
        assert list(json.loads(body)) == ["predictions"]
        status, body = ask(port, "/invocations", b'{"dataframe_split": ')
        assert status == 400
        assert json.loads(body)["error_code"]


def test_sam_local_start_lambda_answers_boto3(project: Project) -> None:
    event = (project.folder / "events" / "http-api-dataframe-split.json").read_bytes()
    with project.server("start-lambda") as port:
        client = boto3.client("lambda", endpoint_url=f"http://127.0.0.1:{port}")
        payload = json.loads(
            client.invoke(FunctionName="ModelFunction", Payload=event)["Payload"].read()
        )

    assert payload["statusCode"] == 200
    assert len(json.loads(payload["body"])["predictions"]) == 2


def ask(port: int, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
