"""Models that are large for their function: what is measured is the real runtime's process."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from packager.aws.http_events import SampleRequest, http_api_event
from packager.bundle.folder import Bundle, read_bundle
from packager.bundle.keys import model_key
from packager.bundle.sizing import size_function
from packager.local.emulator import Emulator
from packager.local.invoke import find_runtime, unpacked
from packager.local.response import decode_response
from packager.local.storage import embedded_environment
from packager.storage.publish import publish
from tests.support.commands import ROOT, packager
from tests.support.embedded import embedded_client
from tests.support.moto_ranges import moto_with_ranges

BUCKET = "large-models"
ALLOWED_BYTES = 200_000_000
"""How much more than the model's own size the function may take."""


def save(folder: Path, megabytes: int, form: str) -> Path:
    argv = ["-m", "tests.support.large_model", str(folder), str(megabytes), form]
    done = subprocess.run(
        [sys.executable, *argv], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def build(model: Path, output: Path, *options: str) -> dict[str, Any]:
    done = packager("build", model, "--output", output, "--json", *options, timeout_s=900)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def defaults(bundle: Path) -> dict[str, Any]:
    text = (bundle / "template.yaml").read_text().partition("\nRules:")[0]
    parameters = yaml.safe_load(text)["Parameters"]
    return {name: parameter.get("Default") for name, parameter in parameters.items()}


@pytest.mark.runtime
def test_a_function_takes_little_more_memory_than_its_model(tmp_path: Path) -> None:
    megabytes = 128
    report = build(save(tmp_path / "model", megabytes, "artifact"), tmp_path / "dist")

    assert {item["status"] for item in report["check"]["checks"]} == {"passed"}
    peak_bytes = report["check"]["measurements"]["peak_memory_mib"] * 2**20
    assert megabytes * 10**6 < peak_bytes < megabytes * 10**6 + ALLOWED_BYTES
    assert not any("GB" in warning for warning in report["warnings"])


@pytest.mark.flavors
@pytest.mark.parametrize("form", ["artifact", "pickle"])
def test_2_gb_from_motos_server(
    tmp_path: Path, form: str, record_property: Callable[[str, object], None]
) -> None:
    megabytes = 2_000
    report = build(save(tmp_path / "model", megabytes, form), tmp_path / "dist", "--no-check")
    assert any("10 s for an init" in warning for warning in report["warnings"])
    sizes = defaults(tmp_path / "dist")
    assert (sizes["MemorySize"], sizes["EphemeralStorage"]) == (2560, 2100)

    bundle = read_bundle(tmp_path / "dist")
    with moto_with_ranges() as endpoint:
        publish(bundle, BUCKET, create_bucket=True, client=embedded_client(endpoint))
        with unpacked(bundle.function_zip) as task_root:
            predictions, peak_mib = first_answer(bundle, task_root, endpoint, megabytes)

    assert predictions == [0.0, (megabytes * 1000 - 1) * 0.5]
    record_property("peak_mb", round(peak_mib * 2**20 / 1e6))
    assert peak_mib * 2**20 < megabytes * 10**6 + ALLOWED_BYTES
    assert peak_mib < sizes["MemorySize"]


def first_answer(bundle: Bundle, task_root: Path, endpoint: str, megabytes: int) -> tuple[Any, int]:
    """Return the predictions of a cold start and the peak of the process's memory in MiB."""
    archive = bundle.manifest.model_archive
    assert archive is not None
    variables = embedded_environment(endpoint) | {
        "MODEL_BUCKET": BUCKET,
        "MODEL_KEY": model_key("packager", archive.sha256),
        "MODEL_SHA256": archive.sha256,
    }
    rows = json.dumps({"dataframe_records": [{"row": 0}, {"row": megabytes * 1000 - 1}]})
    request = SampleRequest("POST", "/invocations", "application/json", rows)
    python = find_runtime(bundle)
    sizing = size_function(bundle.manifest.model, "s3")
    with Emulator(
        task_root,
        python=python,
        environment=variables,
        memory_mib=sizing.memory_mib,
        tmp_mib=sizing.ephemeral_storage_mib,
        timeout_s=300,
    ) as function:
        answer = function.invoke(http_api_event(request))
        response, peak_mib = decode_response(answer.payload), function.peak_memory_mib
    assert response is not None
    assert response.status == 200, f"{response.body}\n{answer.log}"
    assert peak_mib is not None
    return response.body["predictions"], peak_mib
