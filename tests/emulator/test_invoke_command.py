"""`packager invoke` as a user types it, on small bundles made by hand."""

import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from packager.local.storage import embedded_environment, embedded_s3
from tests.support.bundles import make_bundle
from tests.support.commands import packager

pytestmark = pytest.mark.runtime

MAIN = """
import base64, json, os, time

def handler(event, context):
    if event.get("sleep"):
        print("asleep", flush=True)
        time.sleep(60)
    if event.get("crash"):
        print("last words")
        raise RuntimeError("no more")
    body = json.dumps({"seen": event, "model": model()}).encode()
    return {
        "statusCode": event.get("status", 200),
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"X-Many": ["a", "b"]},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }

def model():
    if "MODEL_BUCKET" not in os.environ:
        return None
    import boto3
    place = {"Bucket": os.environ["MODEL_BUCKET"], "Key": os.environ["MODEL_KEY"]}
    return boto3.client("s3").get_object(**place)["Body"].read().decode()
"""
FILES = {"handler/__init__.py": "", "handler/main.py": MAIN}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    make_bundle(tmp_path / "dist", files=FILES)
    return tmp_path / "dist"


@pytest.fixture
def endpoint() -> Iterator[str]:
    with embedded_s3() as url:
        yield url


def write_event(tmp_path: Path, event: object, name: str = "event.json") -> Path:
    path = tmp_path / name
    path.write_text(json.dumps(event))
    return path


def test_the_decoded_answer_is_the_result_and_the_figures_are_talk(
    bundle: Path, tmp_path: Path
) -> None:
    done = packager("invoke", bundle, "--event", write_event(tmp_path, {"n": 1}))

    assert done.returncode == 0, done.stderr
    status, _, body = done.stdout.partition("\n")
    assert status == "HTTP 200"
    assert json.loads(body) == {"seen": {"n": 1}, "model": "a model"}
    for figure in ("init duration", "duration", "max memory", "cold start", "embedded S3"):
        assert figure in done.stderr


def test_json_is_one_document_with_everything(bundle: Path, tmp_path: Path) -> None:
    done = packager("invoke", bundle, "--event", write_event(tmp_path, {}), "--json")

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["statusCode"] == 200
    assert document["headers"] == {"content-type": "application/json", "x-many": "a, b"}
    assert document["body"]["model"] == "a model"
    assert document["cold_start"] is True
    assert document["init_duration_ms"] > 0
    assert document["duration_ms"] > 0
    assert document["max_memory_mib"] > 0
    assert document["log"] == ""


def test_several_events_share_a_sandbox(bundle: Path, tmp_path: Path) -> None:
    first = write_event(tmp_path, {"n": 1}, "first.json")
    second = write_event(tmp_path, {"n": 2}, "second.json")
    done = packager(
        *("invoke", bundle, "--event", first, "--event", second, "--repeat", "2", "--json")
    )

    assert done.returncode == 0, done.stderr
    documents = json.loads(done.stdout)
    assert [document["body"]["seen"]["n"] for document in documents] == [1, 1, 2, 2]
    assert [document["cold_start"] for document in documents] == [True, False, False, False]


def test_the_model_comes_from_the_bucket_that_it_was_published_to(
    bundle: Path, tmp_path: Path, endpoint: str
) -> None:
    env = embedded_environment(endpoint) | {"PACKAGER_BUCKET": "mine", "PACKAGER_PREFIX": "p"}
    published = packager("publish", bundle, "--create-bucket", env=env)
    assert published.returncode == 0, published.stderr

    done = packager("invoke", bundle, "--event", write_event(tmp_path, {}), "--json", env=env)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["body"]["model"] == "a model"
    assert "Taking the model from s3://mine/p/models/" in done.stderr


def test_an_embedded_model_needs_no_s3(tmp_path: Path) -> None:
    make_bundle(tmp_path / "dist", files=FILES, model=None)
    done = packager("invoke", tmp_path / "dist", "--event", write_event(tmp_path, {}), "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["body"]["model"] is None
    assert "S3" not in done.stderr


@pytest.mark.parametrize(("status", "code"), [(200, 0), (404, 0), (500, 1), (503, 1)])
def test_an_answer_is_a_success_unless_the_server_is_to_blame(
    bundle: Path, tmp_path: Path, status: int, code: int
) -> None:
    done = packager("invoke", bundle, "--event", write_event(tmp_path, {"status": status}))

    assert done.returncode == code
    assert done.stdout.startswith(f"HTTP {status}\n")


def test_a_function_that_raises_is_a_failure_with_its_log(bundle: Path, tmp_path: Path) -> None:
    done = packager("invoke", bundle, "--event", write_event(tmp_path, {"crash": True}))

    assert done.returncode == 1
    assert done.stdout == ""
    assert "error: the function gave no answer: RuntimeError: no more" in done.stderr
    assert "last words" in done.stderr


def test_a_missing_or_broken_event_is_named_before_anything_starts(
    bundle: Path, tmp_path: Path
) -> None:
    missing = packager("invoke", bundle, "--event", tmp_path / "nothing.json")
    (tmp_path / "broken.json").write_text("{")
    broken = packager("invoke", bundle, "--event", tmp_path / "broken.json")

    assert (missing.returncode, broken.returncode) == (2, 2)
    assert "nothing.json: No such file" in missing.stderr
    assert "broken.json is not JSON" in broken.stderr
    assert "Traceback" not in missing.stderr + broken.stderr


def test_a_bundle_for_another_architecture_says_what_would_do(tmp_path: Path) -> None:
    other = "arm64" if platform.machine() == "x86_64" else "x86_64"
    make_bundle(tmp_path / "dist", files=FILES, architecture=other)
    done = packager("invoke", tmp_path / "dist", "--event", write_event(tmp_path, {}))

    assert done.returncode == 1
    assert f"the bundle is for {other}" in done.stderr
    assert "--architecture" in done.stderr


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    done = packager("invoke", tmp_path, "--event", write_event(tmp_path, {}))

    assert done.returncode == 1
    assert "no bundle.json" in done.stderr


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_function_and_leaves_nothing(
    bundle: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    event = write_event(tmp_path, {"sleep": True})
    invoking = subprocess.Popen(
        [sys.executable, "-m", "packager", "invoke", str(bundle), "--event", str(event)],
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for_text(folder, "packager-run-*/function.log", "asleep")
    invoking.send_signal(ending)

    assert invoking.wait(30) == 130
    assert list(folder.iterdir()) == []


def wait_for_text(folder: Path, pattern: str, text: str) -> None:
    for _ in range(600):
        if any(text in path.read_text() for path in folder.glob(pattern)):
            return
        time.sleep(0.05)
    raise AssertionError(f"no {text} in {pattern}")
