import hashlib
import os
import pickle
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from handler.errors import ConfigError, ModelFetchError, ModelIntegrityError
from handler.fetch.fetch import fetch_model
from tests.handler.conftest import BUCKET, KEY, Bundle, entry, with_frame, zip_of

MakeBundle = Callable[..., Bundle]
Upload = Callable[[bytes], None]
FakeS3 = Callable[[Callable[[BaseHTTPRequestHandler], None]], None]


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def left_in_cache(bundle: Bundle) -> set[str]:
    """What a fetch left behind, but for its lock."""
    return {path.name for path in bundle.config.cache_dir.iterdir() if path.suffix != ".lock"}


def test_the_model_is_fetched_and_unpacked(make_bundle: MakeBundle, upload: Upload) -> None:
    bundle = make_bundle()
    upload(bundle.archive)
    folder = fetch_model(bundle.manifest, bundle.config)
    assert files_below(folder) == bundle.files
    assert left_in_cache(bundle) == {hashlib.sha256(bundle.archive).hexdigest()}


def test_a_warm_sandbox_does_not_ask_s3_again(
    make_bundle: MakeBundle, upload: Upload, s3: Any
) -> None:
    bundle = make_bundle()
    upload(bundle.archive)
    first = fetch_model(bundle.manifest, bundle.config)
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    assert fetch_model(bundle.manifest, bundle.config) == first


@pytest.mark.parametrize("damage", [b"other!!", b"short", None])
def test_a_damaged_cached_model_is_fetched_again(
    make_bundle: MakeBundle, upload: Upload, damage: bytes | None
) -> None:
    bundle = make_bundle()
    upload(bundle.archive)
    cached = fetch_model(bundle.manifest, bundle.config) / "data/model.pkl"
    assert len(cached.read_bytes()) == len(b"other!!")
    cached.unlink() if damage is None else cached.write_bytes(damage)
    assert files_below(fetch_model(bundle.manifest, bundle.config)) == bundle.files


def test_what_a_killed_init_left_is_removed(make_bundle: MakeBundle, upload: Upload) -> None:
    bundle = make_bundle()
    upload(bundle.archive)
    digest = hashlib.sha256(bundle.archive).hexdigest()
    leftover = bundle.config.cache_dir / f"{digest}.abc.part"
    leftover.mkdir(parents=True)
    (leftover / "model.zip").write_bytes(b"half")
    fetch_model(bundle.manifest, bundle.config)
    assert left_in_cache(bundle) == {digest}


def test_an_object_with_another_digest_is_refused(make_bundle: MakeBundle, upload: Upload) -> None:
    bundle = make_bundle()
    tampered = bytes(reversed(bundle.archive))
    upload(tampered)
    with pytest.raises(ModelIntegrityError) as caught:
        fetch_model(bundle.manifest, bundle.config)
    message = str(caught.value)
    assert f"s3://{BUCKET}/{KEY}" in message
    assert hashlib.sha256(bundle.archive).hexdigest() in message
    assert hashlib.sha256(tampered).hexdigest() in message
    assert left_in_cache(bundle) == set()


def test_an_object_that_was_cut_is_refused(make_bundle: MakeBundle, upload: Upload) -> None:
    bundle = make_bundle()
    size = len(bundle.archive)
    upload(bundle.archive[:-10])
    with pytest.raises(ModelIntegrityError, match=f"size {size} bytes, found {size - 10} bytes"):
        fetch_model(bundle.manifest, bundle.config)
    assert left_in_cache(bundle) == set()


def test_an_object_that_is_larger_is_refused(make_bundle: MakeBundle, upload: Upload) -> None:
    bundle = make_bundle()
    size = len(bundle.archive)
    upload(bundle.archive + b"x")
    with pytest.raises(ModelIntegrityError, match=f"size {size} bytes, found {size + 1} bytes"):
        fetch_model(bundle.manifest, bundle.config)


def test_an_endless_object_is_refused_as_soon_as_it_is_too_large(
    make_bundle: MakeBundle, fake_s3: FakeS3
) -> None:
    bundle = make_bundle()
    sent_bytes = 0

    def answer(request: BaseHTTPRequestHandler) -> None:
        nonlocal sent_bytes
        request.send_response(200)
        request.end_headers()  # no Content-Length: it ends when the connection does
        try:
            while sent_bytes < 64 << 20:
                sent_bytes += request.wfile.write(b"x" * (1 << 16))
        except OSError:
            pass

    fake_s3(answer)
    with pytest.raises(ModelIntegrityError, match="found more"):
        fetch_model(bundle.manifest, bundle.config)
    assert sent_bytes < 64 << 20


def test_only_the_files_of_the_manifest_are_unpacked(
    make_bundle: MakeBundle, upload: Upload, tmp_path: Path
) -> None:
    bundle = make_bundle()
    archive = zip_of({**bundle.files, "sitecustomize.py": b"", "../evil": b"", "/abs": b""})
    manifest = replace(bundle.manifest, model_archive=entry("model.zip", archive))
    bundle = with_frame(replace(bundle, archive=archive, manifest=manifest), tmp_path)
    upload(archive)
    folder = fetch_model(bundle.manifest, bundle.config)
    assert files_below(folder) == bundle.files
    assert not [path for path in tmp_path.rglob("*") if path.name in ("evil", "abs")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"MLmodel": b"flavors: {}\n"}, r"data/model\.pkl is missing in the model archive"),
        ({"MLmodel": b"flavors: {}\n", "data/model.pkl": b"WEIGHTS"}, "expected sha256"),
        ({"MLmodel": b"flavors: {}\n", "data/model.pkl": b"wei"}, "7 bytes, found 3 bytes"),
        ({"MLmodel": b"flavors: {}\n", "data/model.pkl": b"w" * 99}, "7 bytes, found 99 bytes"),
    ],
)
def test_a_file_in_the_archive_that_is_not_the_pinned_one_is_refused(
    make_bundle: MakeBundle, upload: Upload, content: dict[str, bytes], message: str
) -> None:
    bundle = make_bundle()
    archive = zip_of(content)
    manifest = replace(bundle.manifest, model_archive=entry("model.zip", archive))
    upload(archive)
    with pytest.raises(ModelIntegrityError, match=message):
        fetch_model(manifest, bundle.config)
    assert left_in_cache(bundle) == set()


def test_an_archive_that_is_no_zip_is_refused(make_bundle: MakeBundle, upload: Upload) -> None:
    bundle = make_bundle()
    manifest = replace(bundle.manifest, model_archive=entry("model.zip", b"not a zip"))
    upload(b"not a zip")
    with pytest.raises(ModelIntegrityError, match="no readable zip"):
        fetch_model(manifest, bundle.config)


class WritesAFile:
    """Unpickling it runs code."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("is_tampered", [True, False])
def test_a_tampered_pickle_is_not_run(
    make_bundle: MakeBundle,
    write_task_root: Callable[[Bundle], Path],
    upload: Upload,
    start: Callable[..., tuple[Any, Any]],
    http_event: Callable[..., dict[str, Any]],
    is_tampered: bool,
    tmp_path: Path,
) -> None:
    """The untampered case shows that this pickle runs its code when it may."""
    proof = tmp_path / "proof"
    payload = {"model.pkl": pickle.dumps(WritesAFile(proof))}
    bundle = make_bundle({"model.pkl": b"good"} if is_tampered else payload)
    upload(zip_of(payload))
    environ = {
        "MODEL_BUCKET": BUCKET,
        "MODEL_KEY": KEY,
        "PACKAGER_CACHE_DIR": str(bundle.config.cache_dir),
    }
    _, handler = start(environ, write_task_root(bundle))
    answer = handler(http_event("GET", "/ping"), None)
    assert answer["statusCode"] == 503
    assert ("is not the one that this bundle pins" in answer["body"]) is is_tampered
    assert proof.exists() is not is_tampered


def test_a_missing_key_names_the_object_and_the_next_step(make_bundle: MakeBundle, s3: Any) -> None:
    bundle = make_bundle()
    with pytest.raises(ModelFetchError, match=rf"s3://{BUCKET}/{KEY}: .*no such object.*publish"):
        fetch_model(bundle.manifest, bundle.config)


def test_a_missing_bucket_names_the_variable(make_bundle: MakeBundle, s3: Any) -> None:
    bundle = make_bundle()
    config = replace(bundle.config, model_bucket="elsewhere")
    with pytest.raises(ModelFetchError, match=r"s3://elsewhere/.*no such bucket.*MODEL_BUCKET"):
        fetch_model(bundle.manifest, config)


def test_a_refusal_names_the_permission(make_bundle: MakeBundle, fake_s3: FakeS3) -> None:
    bundle = make_bundle()
    body = (
        b"<?xml version='1.0' encoding='UTF-8'?>\n<Error><Code>AccessDenied</Code>"
        b"<Message>Access Denied</Message><RequestId>1</RequestId></Error>"
    )

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(403)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    fake_s3(answer)
    with pytest.raises(ModelFetchError, match=f"{KEY}: access is denied; allow s3:GetObject"):
        fetch_model(bundle.manifest, bundle.config)


def test_another_refusal_is_named_by_its_code(make_bundle: MakeBundle, fake_s3: FakeS3) -> None:
    bundle = make_bundle()
    body = b"<Error><Code>ExpiredToken</Code><Message>no</Message></Error>"

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(400)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    fake_s3(answer)
    with pytest.raises(ModelFetchError, match=f"{KEY}: S3 answered ExpiredToken"):
        fetch_model(bundle.manifest, bundle.config)


def test_an_s3_that_is_down_is_named(
    make_bundle: MakeBundle, aws_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make_bundle()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(ModelFetchError, match=f"{KEY}: S3 cannot be reached"):
            fetch_model(bundle.manifest, bundle.config)
    assert left_in_cache(bundle) == set()


def test_a_connection_that_breaks_is_named(make_bundle: MakeBundle, fake_s3: FakeS3) -> None:
    bundle = make_bundle()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(bundle.archive)))
        request.end_headers()
        request.wfile.write(bundle.archive[:20])

    fake_s3(answer)
    with pytest.raises(ModelFetchError, match=f"{KEY}: the connection to S3 broke"):
        fetch_model(bundle.manifest, bundle.config)


def test_missing_credentials_are_named(
    make_bundle: MakeBundle,
    aws_environment: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    bundle = make_bundle()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    with pytest.raises(ModelFetchError, match="no AWS credentials; give the function a role"):
        fetch_model(bundle.manifest, bundle.config)


def test_a_bucket_name_that_cannot_be_is_refused(
    make_bundle: MakeBundle, aws_environment: None
) -> None:
    bundle = make_bundle()
    config = replace(bundle.config, model_bucket="not a bucket")
    with pytest.raises(ModelFetchError, match="ParamValidationError; check MODEL_BUCKET"):
        fetch_model(bundle.manifest, config)


@contextmanager
def file_size_limit(size_bytes: int) -> Iterator[None]:
    """No file of this process can grow beyond it: the nearest to a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_names_the_setting_and_the_need(
    make_bundle: MakeBundle, upload: Upload
) -> None:
    bundle = make_bundle({"model.pkl": bytes(3_000_000)})
    upload(bundle.archive)
    with (
        file_size_limit(1_000_000),
        pytest.raises(ModelFetchError, match=r"no room for the model.*4 MB.*EphemeralStorage"),
    ):
        fetch_model(bundle.manifest, bundle.config)


def test_a_cache_folder_that_cannot_be_written_is_named(
    make_bundle: MakeBundle, tmp_path: Path
) -> None:
    bundle = make_bundle()
    (tmp_path / "file").touch()
    config = replace(bundle.config, cache_dir=tmp_path / "file/cache")
    with pytest.raises(ModelFetchError, match=r"Not a directory.*PACKAGER_CACHE_DIR"):
        fetch_model(bundle.manifest, config)


@pytest.mark.parametrize("missing", ["model_bucket", "model_key"])
def test_a_missing_setting_is_named(make_bundle: MakeBundle, missing: str) -> None:
    bundle = make_bundle()
    config = replace(bundle.config, **{missing: None})
    with pytest.raises(ConfigError, match="set MODEL_BUCKET and MODEL_KEY"):
        fetch_model(bundle.manifest, config)


def test_a_deployment_that_pins_another_model_is_refused(make_bundle: MakeBundle) -> None:
    bundle = make_bundle()
    config = replace(bundle.config, model_sha256="0" * 64)
    with pytest.raises(ConfigError, match="MODEL_SHA256 is 0000"):
        fetch_model(bundle.manifest, config)


def test_a_deployment_that_pins_this_model_is_served(
    make_bundle: MakeBundle, upload: Upload
) -> None:
    bundle = make_bundle()
    upload(bundle.archive)
    digest = hashlib.sha256(bundle.archive).hexdigest()
    config = replace(bundle.config, model_sha256=digest)
    assert files_below(fetch_model(bundle.manifest, config)) == bundle.files


def test_a_manifest_without_its_archive_is_refused(make_bundle: MakeBundle) -> None:
    bundle = make_bundle()
    manifest = replace(bundle.manifest, model_archive=None)
    with pytest.raises(ConfigError, match="names no model archive"):
        fetch_model(manifest, bundle.config)


def test_an_embedded_model_is_used_where_it_lies(
    make_bundle: MakeBundle, write_task_root: Callable[[Bundle], Path]
) -> None:
    bundle = make_bundle(source="embedded")
    root = write_task_root(bundle)
    assert fetch_model(bundle.manifest, bundle.config) == root / "model"
    assert not bundle.config.cache_dir.exists()


@pytest.mark.parametrize("damage", [b"other!!", b"short", b"too long by far", None])
def test_a_damaged_embedded_model_is_refused(
    make_bundle: MakeBundle, write_task_root: Callable[[Bundle], Path], damage: bytes | None
) -> None:
    bundle = make_bundle(source="embedded")
    path = write_task_root(bundle) / "model/data/model.pkl"
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(ModelIntegrityError, match=r"model file data/model\.pkl"):
        fetch_model(bundle.manifest, bundle.config)
