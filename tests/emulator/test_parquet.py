"""A bundle built --with-parquet, on the real Lambda runtime."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from packager.aws.runtimes import MAX_UNZIPPED_BYTES
from packager.bundle.folder import read_bundle
from packager.bundle.keys import model_key
from packager.local.emulator import Emulator, runtime_python
from packager.local.invoke import unpacked
from packager.local.storage import embedded_environment, embedded_s3
from packager.storage.publish import publish
from tests.conftest import Example
from tests.support.commands import ROOT, packager
from tests.support.embedded import embedded_client

pytestmark = [pytest.mark.runtime, pytest.mark.xdist_group("with_parquet")]

BUCKET = "models"
PARQUET = "application/vnd.apache.parquet"


@pytest.fixture(scope="module")
def built(example: Example, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The example with the reader, and what the build said."""
    output = tmp_path_factory.mktemp("with_parquet") / "dist"
    done = packager(
        *("build", example.folder, "--output", output, "--with-parquet", "--json"), env=example.env
    )
    assert done.returncode == 0, done.stderr
    return output, json.loads(done.stdout)


@pytest.fixture(scope="module")
def function(built: tuple[Path, Any]) -> Iterator[Emulator]:
    bundle = read_bundle(built[0])
    assert bundle.manifest.model_archive is not None
    with embedded_s3() as url, unpacked(bundle.function_zip) as task_root:
        publish(bundle, BUCKET, create_bucket=True, client=embedded_client(url))
        environment = embedded_environment(url) | {
            "MODEL_BUCKET": BUCKET,
            "MODEL_KEY": model_key("packager", bundle.manifest.model_archive.sha256),
        }
        python = runtime_python("3.11")
        with Emulator(task_root, python=python, environment=environment, timeout_s=60) as running:
            yield running


def event(body: bytes, content_type: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "events" / "http-api-base64.json").read_text())
    loaded["headers"]["content-type"] = content_type
    loaded["body"] = base64.b64encode(body).decode()
    return loaded


def rows() -> dict[str, Any]:
    split = json.loads((ROOT / "events" / "http-api-dataframe-split.json").read_text())
    request: dict[str, Any] = json.loads(split["body"])
    return request


def test_the_build_says_what_the_reader_weighs(built: tuple[Path, Any]) -> None:
    report = built[1]
    weight = report["parquet_reader"]

    assert {"name": "parquet.zip", "size_bytes": weight["size_bytes"]} in report["largest_packages"]
    assert weight["unpacked_bytes"] > weight["size_bytes"]
    assert report["unzipped_bytes"] <= MAX_UNZIPPED_BYTES


def test_a_parquet_body_is_answered_as_the_same_rows_in_json_are(function: Emulator) -> None:
    request = rows()
    split = request["dataframe_split"]
    sink = io.BytesIO()
    pd.DataFrame(split["data"], columns=split["columns"]).to_parquet(sink)

    json_reply = function.invoke(event(json.dumps(request).encode(), "application/json"))
    reply = function.invoke(event(sink.getvalue(), PARQUET))

    assert reply.payload["statusCode"] == 200, (reply.payload, reply.log)
    assert json.loads(reply.payload["body"]) == json.loads(json_reply.payload["body"])


def test_a_damaged_parquet_body_is_the_clients_mistake(function: Emulator) -> None:
    reply = function.invoke(event(b"PAR1 and no more", PARQUET))

    assert reply.payload["statusCode"] == 400
    assert json.loads(reply.payload["body"])["error_code"] == "BAD_REQUEST"
