"""Putting a bundle into S3: content-addressed, idempotent, whole or not at all."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from packager.bundle.keys import function_key, layer_key, model_key
from packager.errors import BundleInvalid, ConfigError, StorageError
from packager.local.storage import embedded_environment, embedded_s3
from packager.storage.publish import publish
from packager.storage.transfer import MULTIPART_BYTES
from tests.support.bundles import make_bundle
from tests.support.commands import packager
from tests.support.embedded import embedded_client
from tests.support.relay import StallingRelay, running

BUCKET = "models"


class Recorder:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def step(self, message: str) -> None:
        self.messages.append(message)

    def detail(self, message: str) -> None:
        self.messages.append(message)


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def endpoint() -> Iterator[str]:
    with embedded_s3() as url:
        yield url


def keys(client: Any, bucket: str = BUCKET) -> list[str]:
    return [item["Key"] for item in client.list_objects_v2(Bucket=bucket).get("Contents", [])]


@pytest.mark.parametrize("prefix", ["packager", "/packager/"])
def test_keys_name_the_content_below_the_prefix(prefix: str) -> None:
    assert model_key(prefix, "ab12") == "packager/models/ab12/model.zip"
    assert function_key(prefix, "ab12") == "packager/functions/ab12/function.zip"


def test_an_empty_prefix_puts_the_keys_at_the_top() -> None:
    assert model_key("", "ab12") == "models/ab12/model.zip"


def test_model_and_function_arrive_byte_for_byte(s3: Any, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path)
    report = publish(bundle, BUCKET, "team/fraud")

    assert report.model is not None
    for sent, path in ((report.model, "model.zip"), (report.function, "function.zip")):
        assert sent.is_uploaded
        assert sent.key.startswith("team/fraud/")
        assert sent.sha256 in sent.key
        stored = s3.get_object(Bucket=BUCKET, Key=sent.key)["Body"].read()
        assert stored == (tmp_path / path).read_bytes()


def test_publishing_again_sends_nothing_and_says_so(s3: Any, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path)
    first = publish(bundle, BUCKET)
    progress = Recorder()
    again = publish(bundle, BUCKET, progress=progress)

    assert again.function.key == first.function.key
    assert again.model is not None
    assert not again.model.is_uploaded
    assert not again.function.is_uploaded
    assert all("already" in message for message in progress.messages)


@pytest.mark.parametrize("impostor", [b"short", b"a modeL"])
def test_an_object_with_other_bytes_under_the_key_is_replaced(
    s3: Any, tmp_path: Path, impostor: bytes
) -> None:
    bundle = make_bundle(tmp_path, model=b"a model")
    assert bundle.manifest.model_archive is not None
    key = model_key("packager", bundle.manifest.model_archive.sha256)
    s3.put_object(Bucket=BUCKET, Key=key, Body=impostor)

    publish(bundle, BUCKET)

    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"a model"


def test_bundles_with_the_same_layer_send_it_once(s3: Any, tmp_path: Path) -> None:
    first = make_bundle(tmp_path / "a", model=b"one", layer={"python/six.pyc": "six"})
    second = make_bundle(tmp_path / "b", model=b"two", layer={"python/six.pyc": "six"})
    other = make_bundle(tmp_path / "c", model=b"two", layer={"python/six.pyc": "seven"})

    reports = [publish(bundle, BUCKET) for bundle in (first, second, other)]

    assert [report.layer.is_uploaded for report in reports] == [True, False, True]
    assert first.manifest.layer is not None
    key = layer_key("packager", first.manifest.layer.sha256)
    assert reports[1].layer.key == key
    stored = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert stored == (tmp_path / "a" / "layer.zip").read_bytes()


def test_the_command_says_where_the_layer_is(endpoint: str, tmp_path: Path) -> None:
    make_bundle(tmp_path, layer={"python/six.pyc": "six"})
    embedded_client(endpoint).create_bucket(Bucket=BUCKET)
    done = packager("publish", tmp_path, "--bucket", BUCKET, env=embedded_environment(endpoint))

    assert done.returncode == 0, done.stderr
    assert "layer     s3://models/packager/layers/" in done.stdout


def test_an_embedded_model_needs_no_object_of_its_own(s3: Any, tmp_path: Path) -> None:
    report = publish(make_bundle(tmp_path, model=None), BUCKET)

    assert report.model is None
    assert keys(s3) == [report.function.key]


def test_a_bundle_that_differs_from_its_digests_is_not_published(
    endpoint: str, tmp_path: Path
) -> None:
    make_bundle(tmp_path)
    (tmp_path / "model.zip").write_bytes(b"another")
    done = packager("publish", tmp_path, "--bucket", BUCKET, env=embedded_environment(endpoint))

    assert done.returncode == 1
    assert "model.zip differs from its digest" in done.stderr
    assert "Traceback" not in done.stderr


def test_of_an_image_only_the_model_goes_to_s3(s3: Any, tmp_path: Path) -> None:
    report = publish(make_bundle(tmp_path, package_type="image"), BUCKET, client=s3)
    assert report.function is None
    assert report.model is not None
    assert keys(s3) == [report.model.key]


def test_an_image_with_its_model_in_it_needs_no_bucket(s3: Any, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, model=None, package_type="image")
    report = publish(bundle, "not-there", client=s3)
    assert (report.model, report.function) == (None, None)


def test_who_publishes_an_image_is_told_how_it_gets_to_lambda(
    endpoint: str, tmp_path: Path
) -> None:
    folder = make_bundle(tmp_path, package_type="image").folder
    env = embedded_environment(endpoint)
    args = ("publish", folder, "--bucket", "images", "--create-bucket")
    done = packager(*args, env=env)
    assert done.returncode == 0, done.stderr
    assert "`sam deploy` pushes it to a registry" in done.stdout
    document = json.loads(packager(*args, "--json", env=env).stdout)
    assert document["function"] is None
    build, _, deploy = document["deploy_command"].partition(" && ")
    assert build == f"sam build --template-file {folder}/template.yaml"
    assert "--resolve-image-repos" in deploy
    assert f"ModelSha256={document['model']['sha256']}" in deploy


def test_a_function_zip_that_the_manifest_does_not_name_is_refused(s3: Any, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path)
    document = json.loads((tmp_path / "bundle.json").read_text())
    document["artifacts"] = []
    forged = type(bundle)(tmp_path, bundle.manifest.from_json(json.dumps(document)))

    with pytest.raises(BundleInvalid, match=r"does not name function\.zip"):
        publish(forged, BUCKET)


def test_a_missing_bucket_is_made_only_when_asked_for(s3: Any, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path)
    with pytest.raises(StorageError, match="there is no bucket other") as caught:
        publish(bundle, "other")
    assert "--create-bucket" in (caught.value.hint or "")

    report = publish(bundle, "other", create_bucket=True)

    assert report.function.key in keys(s3, "other")


def test_a_bucket_is_made_in_the_users_region(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        publish(make_bundle(tmp_path), "other", create_bucket=True)
        place = boto3.client("s3").get_bucket_location(Bucket="other")
    assert place["LocationConstraint"] == "eu-central-1"


@pytest.mark.parametrize("prefix", ["with blank", "star*", "what?"])
def test_a_prefix_that_no_template_takes_is_refused(s3: Any, tmp_path: Path, prefix: str) -> None:
    with pytest.raises(ConfigError, match="prefix"):
        publish(make_bundle(tmp_path), BUCKET, prefix)


@pytest.mark.parametrize("size_bytes", [MULTIPART_BYTES - 1, MULTIPART_BYTES, MULTIPART_BYTES + 1])
def test_a_large_model_goes_up_in_parts_and_is_known_again(
    endpoint: str, tmp_path: Path, size_bytes: int
) -> None:
    bundle = make_bundle(tmp_path, model=bytes(size_bytes))
    client = embedded_client(endpoint)
    progress = Recorder()
    first = publish(bundle, BUCKET, create_bucket=True, client=client, progress=progress)
    again = publish(bundle, BUCKET, client=client)

    assert first.model is not None
    assert again.model is not None
    assert first.model.is_uploaded
    assert not again.model.is_uploaded
    shown = [message for message in progress.messages if "MB sent" in message]
    assert 2 <= len(shown) <= 10
    assert shown[-1].startswith("67.1 of 67.1 MB")


@pytest.mark.parametrize("size_bytes", [MULTIPART_BYTES * 3 // 4, MULTIPART_BYTES * 5 // 2])
def test_a_publish_that_is_killed_leaves_nothing_that_looks_whole(
    endpoint: str, tmp_path: Path, size_bytes: int
) -> None:
    bundle = make_bundle(tmp_path, model=os.urandom(size_bytes))
    client = embedded_client(endpoint)
    bucket = f"killed-{size_bytes}"
    client.create_bucket(Bucket=bucket)
    argv = [sys.executable, "-m", "packager", "publish", str(tmp_path), "--bucket", bucket]
    with running(StallingRelay(endpoint, size_bytes * 2 // 3)) as relay:
        env = os.environ | embedded_environment(relay.url)
        publishing = subprocess.Popen(argv, env=env, stderr=subprocess.DEVNULL)
        assert relay.has_stalled.wait(60)
        publishing.kill()
        assert publishing.wait() == -signal.SIGKILL

    assert keys(client, bucket) == []
    report = publish(bundle, bucket, client=client)
    assert report.model is not None
    assert report.model.is_uploaded
    head = client.head_object(Bucket=bucket, Key=report.model.key)
    assert head["ContentLength"] == size_bytes


def test_the_command_prints_the_keys_and_how_to_deploy(endpoint: str, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "dist")
    env = embedded_environment(endpoint) | {"PACKAGER_BUCKET": BUCKET, "PACKAGER_PREFIX": "p"}
    done = packager("publish", "dist", "--create-bucket", cwd=tmp_path, env=env)

    assert done.returncode == 0, done.stderr
    assert bundle.manifest.model_archive is not None
    sha256 = bundle.manifest.model_archive.sha256
    assert f"s3://{BUCKET}/p/models/{sha256}/model.zip" in done.stdout
    assert "sam deploy --template-file dist/template.yaml" in done.stdout
    for parameter in (
        f"ModelBucket={BUCKET}",
        "ModelPrefix=p/models",
        f"ModelSha256={sha256}",
    ):
        assert parameter in done.stdout


def test_the_commands_json_is_one_document(endpoint: str, tmp_path: Path) -> None:
    make_bundle(tmp_path, model=None)
    done = packager(
        *("publish", tmp_path, "--bucket", "one", "--create-bucket", "--json"),
        env=embedded_environment(endpoint),
    )

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["bucket"] == "one"
    assert document["model"] is None
    assert document["function"]["is_uploaded"] is True
    assert "ModelPrefix" not in document["deploy_command"]


def test_the_printed_line_publishes_each_bundle_whatever_the_stack_was_given_before(
    endpoint: str, tmp_path: Path
) -> None:
    revisions = set()
    for name in ("one", "two"):
        folder = make_bundle(tmp_path / name, model=name.encode()).folder
        done = packager(
            *("publish", folder, "--bucket", "lines", "--create-bucket", "--json"),
            env=embedded_environment(endpoint),
        )
        words = json.loads(done.stdout)["deploy_command"].split()
        assert "LiveVersion=newest" in words
        (revision,) = [word for word in words if word.startswith("Revision=")]
        revisions.add(revision.removeprefix("Revision=")[:10])  # SAM reads no more of it

    assert len(revisions) == 2


def test_no_bucket_is_a_usage_error(tmp_path: Path) -> None:
    make_bundle(tmp_path)
    done = packager("publish", tmp_path)

    assert done.returncode == 2
    assert "--bucket" in done.stderr
