"""The templates as CloudFormation sees them: translated by AWS's own translator."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from packager.bundle.template import render_template
from tests.packager.bundle.test_template import EMBEDDED, IMAGE, LAYER, manifest
from tests.template.reading import parse

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".tools" / "sam" / "bin" / "python"
"""The SAM CLI's environment, which `make test` makes."""

TEXTS = {
    "general": render_template(code_uri="dist/function.zip"),
    "bundle": render_template(manifest()),
    "embedded": render_template(EMBEDDED),
    "layer": render_template(manifest(layer=LAYER)),
    "image": render_template(IMAGE),
    "image with its model in S3": render_template(manifest(package_type="image")),
}


def translate(templates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    jobs = [{"template": _uploaded(item), "parameters": _defaults(item)} for item in templates]
    done = subprocess.run(
        [PYTHON, Path(__file__).with_name("translating.py")],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    translated: list[dict[str, Any]] = json.loads(done.stdout)
    return translated


def _defaults(template: dict[str, Any]) -> dict[str, Any]:
    return {name: item.get("Default", "x") for name, item in template["Parameters"].items()}


def _uploaded(template: dict[str, Any]) -> dict[str, Any]:
    """Return the template as `sam package` leaves it."""
    resources = template["Resources"]
    function = resources["ModelFunction"]["Properties"]
    if "CodeUri" in function:
        function["CodeUri"] = {"Bucket": "my-bucket", "Key": "function.zip"}
    else:
        function["ImageUri"] = "123456789012.dkr.ecr.us-east-1.amazonaws.com/my-model:tag"
    if "DependencyLayer" in resources:
        uri = {"Bucket": "my-bucket", "Key": "layer.zip"}
        resources["DependencyLayer"]["Properties"]["ContentUri"] = uri
    return template


@pytest.fixture(scope="session")
def translated() -> dict[str, dict[str, Any]]:
    """Every kind of template by name, with CloudFormation's own resources alone."""
    results = translate([parse(text) for text in TEXTS.values()])
    return dict(zip(TEXTS, results, strict=True))
