"""The software bill of materials: valid CycloneDX, complete, and always the same bytes."""

import dataclasses
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from handler.manifest import BundleManifest, FileEntry, ModelInfo, TargetInfo
from packager.bundle.sbom import InstalledPart, render_sbom
from packager.packages.distributions import Distribution

SHA, LINUX_SHA, MAC_SHA, MODEL_SHA = ("ab" * 32, "cd" * 32, "ef" * 32, "12" * 32)
LOCK = f"""
lock-version = "1.0"
created-by = "uv"
[[packages]]
name = "alpha"
version = "1.0"
wheels = [{{ name = "alpha-1.0-py3-none-any.whl", hashes = {{ sha256 = "{SHA}" }} }}]
[[packages]]
name = "beta"
version = "2.0+cpu"
wheels = [
  {{ url = "https://x/beta-2.0%2Bcpu-cp311-cp311-linux_x86_64.whl", hashes = {{ sha256 = "{LINUX_SHA}" }} }},
  {{ url = "https://x/beta-2.0%2Bcpu-cp311-cp311-macosx_11_0_arm64.whl", hashes = {{ sha256 = "{MAC_SHA}" }} }},
]
"""  # noqa: E501 - inline tables have no line breaks


def distribution(name: str, version: str = "1.0", **changes: Any) -> Distribution:
    plain = Distribution(name, version, None, (), 10, (name,), ("py3-none-any",))
    return dataclasses.replace(plain, **changes)


ALPHA = distribution(
    "alpha",
    license="MIT",
    requires=(
        "beta[fast]>=2",
        "absent",
        "gamma; sys_platform == 'win32'",
        "not a requirement!",
    ),
)
BETA = distribution(
    "beta",
    "2.0+cpu",
    license="Apache-2.0 OR MIT",
    requires=("gamma; extra == 'fast'", "alpha; extra == 'slow'"),
    tags=("cp311-cp311-linux_x86_64",),
)
GAMMA = distribution("gamma", license="My own words")
DELTA = distribution("delta", requires=("gamma; platform_machine == 'aarch64'",))
ALL = (ALPHA, BETA, GAMMA, DELTA)
PART = InstalledPart(ALL, LOCK, "3.11")
MANIFEST = BundleManifest(
    packager_version="0.1.0",
    target=TargetInfo("python3.11", "arm64"),
    model=ModelInfo(
        "sklearn",
        "model.skops",
        "skops",
        model_id="m-1",
        files=(FileEntry("MLmodel", 10, SHA), FileEntry("model.skops", 1000, MODEL_SHA)),
    ),
    model_source="s3",
    model_archive=FileEntry("model.zip", 1000, LINUX_SHA),
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(render_sbom(MANIFEST, PART))
    return parsed


def component(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (item for item in document["components"] if item["name"] == name)
    return dict(found)


@pytest.mark.parametrize(
    "manifest",
    [MANIFEST, dataclasses.replace(MANIFEST, model_archive=None, package_type="image")],
)
def test_it_is_valid_cyclonedx(manifest: BundleManifest) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(render_sbom(manifest, PART)) is None
    assert validator.validate_str(render_sbom(manifest, InstalledPart((), "", "3.11"))) is None


def test_a_layer_is_named_by_its_digest() -> None:
    manifest = dataclasses.replace(MANIFEST, layer=FileEntry("layer.zip", 1000, SHA))
    bundle = json.loads(render_sbom(manifest, PART))["metadata"]["component"]
    assert {"name": "packager:layer_sha256", "value": SHA} in bundle["properties"]
    assert "layer_sha256" not in render_sbom(MANIFEST, PART)


def test_equal_content_gives_equal_bytes_whenever_and_wherever(tmp_path: Path) -> None:
    expected = render_sbom(MANIFEST, PART)
    arguments = tmp_path / "arguments"
    arguments.write_bytes(pickle.dumps((MANIFEST, InstalledPart(ALL[::-1], LOCK, "3.11"))))
    code = (
        "import pickle, sys; from packager.bundle.sbom import render_sbom;"
        "sys.stdout.write(render_sbom(*pickle.load(open(sys.argv[1], 'rb'))))"
    )
    for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
        done = subprocess.run(
            [sys.executable, "-c", code, str(arguments)],
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == expected


def test_the_serial_number_is_the_contents_own(document: dict[str, Any]) -> None:
    other = json.loads(render_sbom(MANIFEST, InstalledPart(ALL[1:], LOCK, "3.11")))
    assert document["serialNumber"].startswith("urn:uuid:")
    assert document["serialNumber"] != other["serialNumber"]
    assert "timestamp" not in document["metadata"]


def test_a_package_has_its_address_licence_and_wheel(document: dict[str, Any]) -> None:
    alpha, beta = component(document, "alpha"), component(document, "beta")
    assert (alpha["purl"], alpha["type"]) == ("pkg:pypi/alpha@1.0", "library")
    assert alpha["hashes"] == [{"alg": "SHA-256", "content": SHA}]
    assert beta["purl"] == "pkg:pypi/beta@2.0%2Bcpu"
    assert beta["hashes"] == [{"alg": "SHA-256", "content": LINUX_SHA}], "not the other platform's"
    assert alpha["licenses"] == [{"license": {"id": "MIT", "acknowledgement": "declared"}}]
    assert beta["licenses"][0]["expression"] == "Apache-2.0 OR MIT"
    assert component(document, "gamma")["licenses"][0]["license"]["name"] == "My own words"
    assert "licenses" not in component(document, "delta")


def test_requirements_are_those_of_the_target_and_of_the_extras_asked_for(
    document: dict[str, Any],
) -> None:
    graph = {item["ref"]: item.get("dependsOn", []) for item in document["dependencies"]}
    alpha, beta = "pkg:pypi/alpha@1.0", "pkg:pypi/beta@2.0%2Bcpu"
    gamma, delta = "pkg:pypi/gamma@1.0", "pkg:pypi/delta@1.0"
    assert graph[alpha] == [beta]
    assert graph[beta] == [gamma]
    assert graph[delta] == [gamma], "arm64 is aarch64 in markers"
    assert set(graph["bundle"]) == {"model", "runtime", alpha, delta}


def test_the_model_and_lambdas_runtime_are_in_it(document: dict[str, Any]) -> None:
    model = component(document, "mlflow-sklearn")
    assert model["type"] == "machine-learning-model"
    assert model["hashes"][0]["content"] == LINUX_SHA
    files = {item["name"]: item["hashes"][0]["content"] for item in model["components"]}
    assert files == {"MLmodel": SHA, "model.skops": MODEL_SHA}
    assert component(document, "aws-lambda-python3.11")["type"] == "platform"
    assert document["metadata"]["component"]["name"] == "mlflow-sklearn-model"
    tools = document["metadata"]["tools"]["components"]
    assert [(tool["name"], tool["version"]) for tool in tools] == [("packager", "0.1.0")]


def test_what_is_there_for_the_models_own_python_hangs_on_the_model() -> None:
    old = InstalledPart((distribution("alpha"), distribution("old")), "", "3.8", is_own=True)
    text = render_sbom(MANIFEST, PART, old)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    found = [item for item in document["components"] if item["name"] in ("alpha", "old")]
    refs = {item["bom-ref"]: item["purl"] for item in found}
    assert refs == {
        "pkg:pypi/alpha@1.0": "pkg:pypi/alpha@1.0",
        "own-python:pkg:pypi/alpha@1.0": "pkg:pypi/alpha@1.0",
        "own-python:pkg:pypi/old@1.0": "pkg:pypi/old@1.0",
    }
    mark = {"name": "packager:own_python", "value": "3.8"}
    marked = {item["bom-ref"] for item in found if mark in item["properties"]}
    assert marked == refs.keys() - {"pkg:pypi/alpha@1.0"}
    needed = {item["ref"]: item.get("dependsOn", []) for item in document["dependencies"]}
    assert needed["model"] == ["own-python:pkg:pypi/alpha@1.0", "own-python:pkg:pypi/old@1.0"]
    assert "own-python:pkg:pypi/old@1.0" not in needed["bundle"]
