import importlib.util
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import handler
from handler.errors import ConfigError, ModelFetchError
from handler.manifest import PackedEntry
from tests.support.object_server import Exchange, FaultyObjectServer

from .conftest import BUCKET, KEY, Bundle

ROWS = json.dumps({"dataframe_records": [{"x0": 2.0, "x1": 1.0}]})
HttpEvent = Callable[..., dict[str, Any]]
Start = Callable[..., tuple[Any, Any]]


class Context:
    aws_request_id = "request-7"


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_embedded_model_is_loaded_at_init_and_answers(
    start: Start,
    sklearn_bundle: Callable[[str], Bundle],
    write_task_root: Callable[[Bundle], Path],
    http_event: HttpEvent,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, entry = start({}, write_task_root(sklearn_bundle("embedded")))
    (init,) = lines_of(capsys)
    assert (init["type"], init["outcome"]) == ("init", "ready")
    assert set(init["steps_ms"]) == {
        "manifest",
        "app",
        "imports",
        "fetch",
        "fetch_wait",
        "load",
        "warm_up",
    }
    answer = entry(http_event("POST", "/invocations", ROWS), Context())
    assert (answer["statusCode"], answer["body"]) == (200, '{"predictions": [1]}')
    (line,) = lines_of(capsys)
    assert line["type"] == "invocation"
    assert line["request_id"] == "request-7"
    assert (line["rows"], line["cold_start"]) == (1, True)


def test_a_model_in_s3_heals_when_s3_does(
    start: Start,
    sklearn_bundle: Callable[[str], Bundle],
    write_task_root: Callable[[Bundle], Path],
    upload: Callable[[bytes], None],
    http_event: HttpEvent,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle = sklearn_bundle("s3")
    environ = {
        "MODEL_BUCKET": BUCKET,
        "MODEL_KEY": KEY,
        "PACKAGER_CACHE_DIR": str(bundle.config.cache_dir),
    }
    _, entry = start(environ, write_task_root(bundle))
    failed, init = lines_of(capsys)
    assert (failed["type"], failed["error"]) == ("model_failed", "ModelFetchError")
    assert (init["type"], init["outcome"]) == ("init", "model_unavailable")
    upload(bundle.archive)
    assert entry(http_event("POST", "/invocations", ROWS), None)["body"] == '{"predictions": [1]}'


@pytest.mark.parametrize("breaks_off", [False, True])
def test_a_model_that_takes_longer_than_an_init_is_there_for_the_first_request(
    start: Start,
    sklearn_bundle: Callable[[str], Bundle],
    write_task_root: Callable[[Bundle], Path],
    serve_bytes: Callable[..., FaultyObjectServer],
    http_event: HttpEvent,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    breaks_off: bool,
) -> None:
    """Lambda would end the init; with `breaks_off` it has the process frozen for long then."""
    bundle = sklearn_bundle("s3")
    init_is_over = threading.Event()

    def late(exchange: Exchange) -> None:
        assert init_is_over.wait(30)
        exchange.refuse(403, "AccessDenied") if breaks_off else exchange.serve()

    server = serve_bytes(bundle.archive, late)
    monkeypatch.setattr("handler.main._INIT_S", 0.0)
    environ = {
        "MODEL_BUCKET": BUCKET,
        "MODEL_KEY": KEY,
        "PACKAGER_CACHE_DIR": str(bundle.config.cache_dir),
    }
    _, entry = start(environ, write_task_root(bundle))
    (init,) = lines_of(capsys)
    assert (init["type"], init["outcome"], init["level"]) == ("init", "fetching", "INFO")
    init_is_over.set()
    assert entry(http_event("POST", "/invocations", ROWS), None)["body"] == '{"predictions": [1]}'
    assert [line["type"] for line in lines_of(capsys)] == ["invocation"]
    assert len(server.requests) == 1 + breaks_off


@pytest.mark.parametrize("kind", ["snap-start", "provisioned-concurrency"])
def test_an_init_that_is_kept_fails_without_the_model(
    start: Start,
    sklearn_bundle: Callable[[str], Bundle],
    write_task_root: Callable[[Bundle], Path],
    s3: Any,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    bundle = sklearn_bundle("s3")
    environ = {
        "MODEL_BUCKET": BUCKET,
        "MODEL_KEY": KEY,
        "PACKAGER_CACHE_DIR": str(bundle.config.cache_dir),
        "AWS_LAMBDA_INITIALIZATION_TYPE": kind,
    }
    with pytest.raises(ModelFetchError, match="no such object"):
        start(environ, write_task_root(bundle))
    assert lines_of(capsys)[-1]["outcome"] == "failed"


def test_an_init_that_is_kept_asks_once_for_a_model_that_it_may_not_read(
    start: Start,
    sklearn_bundle: Callable[[str], Bundle],
    write_task_root: Callable[[Bundle], Path],
    serve_bytes: Callable[..., FaultyObjectServer],
) -> None:
    bundle = sklearn_bundle("s3")
    server = serve_bytes(bundle.archive, lambda exchange: exchange.refuse(403, "AccessDenied"))
    environ = {
        "MODEL_BUCKET": BUCKET,
        "MODEL_KEY": KEY,
        "PACKAGER_CACHE_DIR": str(bundle.config.cache_dir),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
    }
    with pytest.raises(ModelFetchError):
        start(environ, write_task_root(bundle))
    assert len(server.requests) == 1


def test_a_bad_environment_fails_an_init_that_is_kept(start: Start, tmp_path: Path) -> None:
    environ = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "MODEL_SHA256": "x"}
    with pytest.raises(ConfigError, match="MODEL_SHA256"):
        start(environ, tmp_path)


@pytest.mark.parametrize(
    ("environ", "manifest", "message"),
    [
        ({}, None, "bundle.json cannot be read"),
        ({}, "{", "bundle.json is damaged"),
        ({"MODEL_SHA256": "x"}, "{", "MODEL_SHA256 must be"),
    ],
)
def test_a_function_that_is_deployed_wrong_comes_up_and_says_so(
    start: Start,
    tmp_path: Path,
    http_event: HttpEvent,
    environ: dict[str, str],
    manifest: str | None,
    message: str,
) -> None:
    if manifest is not None:
        (tmp_path / "bundle.json").write_text(manifest)
    _, entry = start(environ, tmp_path)
    for _ in range(2):
        answer = entry(http_event("POST", "/invocations", ROWS), None)
        assert answer["statusCode"] == 503
        assert message in json.loads(answer["body"])["message"]
    assert entry(http_event(path="/version"), None)["statusCode"] == 200
    assert entry({}, None)["statusCode"] == 200


def test_provisioned_concurrency_has_no_cold_start(
    start: Start,
    sklearn_bundle: Callable[[str], Bundle],
    write_task_root: Callable[[Bundle], Path],
    http_event: HttpEvent,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environ = {"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}
    _, entry = start(environ, write_task_root(sklearn_bundle("embedded")))
    entry(http_event(), None)
    assert lines_of(capsys)[-1]["cold_start"] is False


IMPORT_AND_INVOKE = """
import sys
from handler.main import app, handler
answer = handler({"warmup": True}, None)
assert answer["body"] == '{"warm": true, "model_loaded": true}', answer
forbidden = {"packager", "mlflow", "yaml", "click", "jinja2", "boto3", "botocore"}
assert not forbidden & set(sys.modules), forbidden & set(sys.modules)
"""


def test_a_package_in_a_process_of_its_own_loads_what_it_needs_and_no_more(
    sklearn_bundle: Callable[[str], Bundle], write_task_root: Callable[[Bundle], Path]
) -> None:
    root = write_task_root(sklearn_bundle("embedded"))
    shutil.copytree(Path(handler.__file__).parent, root / "handler")
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_AND_INVOKE],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["type"] for line in lines] == ["init", "invocation"]


def test_a_wrong_environment_leaves_what_is_packed_importable(
    start: Start,
    sklearn_bundle: Callable[[str], Bundle],
    write_task_root: Callable[[Bundle], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle = sklearn_bundle("embedded")
    packed = PackedEntry("tools.zip", ("packed_in_this_test",))
    root = write_task_root(replace(bundle, manifest=replace(bundle.manifest, packed=(packed,))))
    with zipfile.ZipFile(root / "tools.zip", "w") as archive:
        archive.writestr("packed_in_this_test.py", "")
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])

    start({"MODEL_SHA256": "zz", "PACKAGER_CACHE_DIR": str(root / "cache")}, root)

    assert importlib.util.find_spec("packed_in_this_test") is not None
