"""The built zip on the real Lambda runtime, with moto's server as S3."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from handler.manifest import BundleManifest
from packager.bundle.folder import Bundle, read_bundle
from packager.bundle.keys import model_key
from packager.local.emulator import Emulator, runtime_python
from packager.local.invoke import unpacked
from packager.local.storage import embedded_environment, embedded_s3
from packager.storage.publish import publish
from tests.support.commands import ROOT, packager
from tests.support.embedded import embedded_client

pytestmark = pytest.mark.runtime
BUCKET = "models"
SPLIT = "http-api-dataframe-split.json"
MLFLOW_ERROR = {"error_code", "message", "sqlstate", "error_class"}


def event(name: str = SPLIT) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "events" / name).read_text())
    return loaded


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with embedded_s3() as url:
        yield url


@pytest.fixture(scope="module")
def task_root(bundle_folder: Path) -> Iterator[Path]:
    with unpacked(bundle_folder / "function.zip") as folder:
        yield folder


@pytest.fixture
def bundle(bundle_folder: Path) -> Bundle:
    return read_bundle(bundle_folder)


@pytest.fixture
def published(bundle: Bundle, endpoint: str) -> dict[str, str]:
    """The variables of a function whose model is in S3."""
    publish(bundle, BUCKET, create_bucket=True, client=embedded_client(endpoint))
    return variables(bundle, endpoint)


def variables(bundle: Bundle, endpoint: str) -> dict[str, str]:
    archive = bundle.manifest.model_archive
    assert archive is not None
    return embedded_environment(endpoint) | {
        "MODEL_BUCKET": BUCKET,
        "MODEL_KEY": model_key("packager", archive.sha256),
        "MODEL_SHA256": archive.sha256,
    }


def function(task_root: Path, environment: dict[str, str]) -> Emulator:
    manifest = BundleManifest.from_json((task_root / "bundle.json").read_bytes())
    python = runtime_python(manifest.target.runtime.removeprefix("python"))
    return Emulator(task_root, python=python, environment=environment)


def body(payload: dict[str, Any]) -> Any:
    text = payload["body"]
    if payload.get("isBase64Encoded"):
        text = base64.b64decode(text).decode()
    return json.loads(text)


def log_lines(log: str, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["type"] == kind]


def test_a_cold_start_fetches_the_model_and_a_warm_invocation_has_it(
    task_root: Path, published: dict[str, str]
) -> None:
    request = event()
    request["body"] = request["body"].replace("0.3", "0.32109876")  # like no time or size
    with function(task_root, published) as running:
        cold = running.invoke(request)
        warm = running.invoke(request)

    assert (cold.cold_start, warm.cold_start) == (True, False)
    assert cold.payload["statusCode"] == warm.payload["statusCode"] == 200
    assert body(cold.payload) == body(warm.payload) == {"predictions": [0, 1]}
    (line,) = log_lines(cold.log, "invocation")
    assert line["status"] == 200
    assert line["rows"] == 2
    assert line["cold_start"] is True
    assert line["request_id"]
    (line,) = log_lines(warm.log, "invocation")
    assert line["cold_start"] is False
    assert "0.32109876" in request["body"]
    assert "0.32109876" not in cold.log + warm.log  # request data is never logged


EXPECTED = {
    "malformed-json": (400, "BAD_REQUEST"),
    "missing-column": (400, "INVALID_PARAMETER_VALUE"),
}


def test_every_sample_event_gets_the_answer_it_should(
    task_root: Path, published: dict[str, str]
) -> None:
    names = sorted(path.name for path in (ROOT / "events").glob("*.json"))
    sources = {name.split("-")[0] for name in names}
    assert {"http", "rest", "alb", "function"} <= sources
    with function(task_root, published) as running:
        answers = {name: running.invoke(event(name)).payload for name in names}

    for name, payload in answers.items():
        status, error_code = next(
            (expected for key, expected in EXPECTED.items() if key in name), (200, None)
        )
        assert payload["statusCode"] == status, (name, payload)
        if error_code:
            assert set(body(payload)) == MLFLOW_ERROR, name
            assert body(payload)["error_code"] == error_code, name
        elif name.endswith(("-ping.json", "-health.json")):
            assert payload["body"] == "\n", name
        elif name.endswith("-version.json"):
            assert payload["body"].count(".") == 2, name
        else:
            assert body(payload) == {"predictions": [0, 1]}, name


@pytest.mark.parametrize(
    ("unusual", "status", "said"),
    [
        ({}, 200, "warm"),
        ({"key1": "value1", "key2": "value2"}, 400, "API Gateway"),
        ({"Records": [{"eventSource": "aws:s3", "s3": {}}]}, 400, "S3"),
        ([1, 2], 400, "API Gateway"),
        ({"version": "2.0", "requestContext": {"http": {}}}, 400, "API Gateway"),
    ],
)
def test_an_event_that_is_no_request_is_answered_clearly(
    task_root: Path, published: dict[str, str], unusual: Any, status: int, said: str
) -> None:
    with function(task_root, published) as running:
        invocation = running.invoke(unusual)

    assert invocation.outcome == "ok", invocation
    assert invocation.payload["statusCode"] == status
    assert said.lower() in invocation.payload["body"].lower()


def test_s3_down_at_cold_start_is_503_on_every_route_and_heals_by_itself(
    task_root: Path, bundle: Bundle, endpoint: str
) -> None:
    environment = variables(bundle, endpoint) | {"MODEL_BUCKET": "not-there-yet"}
    client = embedded_client(endpoint)
    with function(task_root, environment) as running:
        for name in (SPLIT, "http-api-ping.json", "http-api-health.json"):
            payload = running.invoke(event(name)).payload
            assert payload["statusCode"] == 503, name
            assert set(body(payload)) == MLFLOW_ERROR
            assert "not-there-yet" not in payload["body"], "the bucket is not the caller's affair"
        assert running.invoke(event("http-api-version.json")).payload["statusCode"] == 200
        assert log_lines(running.log, "model_failed"), "the cause is in the log"

        publish(bundle, "not-there-yet", create_bucket=True, client=client)
        healed = first_success(running)

    assert body(healed) == {"predictions": [0, 1]}


def first_success(running: Emulator) -> dict[str, Any]:
    """Invoke until the back-off has passed; bounded."""
    import time

    for _ in range(80):
        payload: dict[str, Any] = running.invoke(event()).payload
        if payload["statusCode"] == 200:
            return payload
        time.sleep(0.5)
    raise AssertionError(payload)


def test_a_tampered_model_is_refused_before_it_is_unpickled_and_the_right_one_heals(
    task_root: Path, bundle: Bundle, published: dict[str, str], endpoint: str, tmp_path: Path
) -> None:
    client = boto3.client("s3", endpoint_url=endpoint)
    right = client.get_object(Bucket=BUCKET, Key=published["MODEL_KEY"])["Body"].read()
    wrong = right[:-100] + bytes(100)
    client.put_object(Bucket=BUCKET, Key=published["MODEL_KEY"], Body=wrong)
    try:
        with function(task_root, published) as running:
            payload = running.invoke(event()).payload
            assert payload["statusCode"] == 503
            (line, *_) = log_lines(running.log, "model_failed")
            assert line["error"] == "ModelIntegrityError"

            client.put_object(Bucket=BUCKET, Key=published["MODEL_KEY"], Body=right)
            assert body(first_success(running)) == {"predictions": [0, 1]}
    finally:
        client.put_object(Bucket=BUCKET, Key=published["MODEL_KEY"], Body=right)


def test_publish_then_invoke_by_command_line(bundle_folder: Path, endpoint: str) -> None:
    env = embedded_environment(endpoint) | {"PACKAGER_BUCKET": "by-command-line"}
    first = packager("publish", bundle_folder, "--create-bucket", "--json", env=env)
    second = packager("publish", bundle_folder, "--json", env=env)
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr

    done = packager("invoke", bundle_folder, "--event", ROOT / "events" / SPLIT, "--json", env=env)

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["statusCode"] == 200
    assert document["body"] == {"predictions": [0, 1]}
    assert document["init_duration_ms"] > 0
    assert document["max_memory_mib"] > 0
