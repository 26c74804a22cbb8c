"""The example's bundle with its dependencies in a layer, on the real Lambda runtime."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from packager.bundle.folder import Bundle, read_bundle
from tests.conftest import Example
from tests.support.commands import packager

pytestmark = [pytest.mark.runtime, pytest.mark.xdist_group("layer")]


@pytest.fixture(scope="module")
def layered(
    example: Example, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    """The example's bundle once more, by the same lock."""
    output = tmp_path_factory.mktemp("layered") / "dist"
    lock = bundle_folder / "pylock.toml"
    options = ("--lock", lock, "--layer", "--optimize", "none")
    done = packager("build", example.folder, "-o", output, *options, env=example.env)
    assert done.returncode == 0, done.stderr
    return read_bundle(output)


def answers(folder: Path) -> list[Any]:
    events = [folder / "events" / f"http-api-{name}.json" for name in ("dataframe-split", "ping")]
    argv = [part for event in events for part in ("--event", event)]
    done = packager("invoke", folder, *argv, "--json")
    assert done.returncode == 0, done.stderr
    return [(item["statusCode"], item["body"]) for item in json.loads(done.stdout)]


def test_it_passes_every_check_and_predicts_as_the_source_model_does(layered: Bundle) -> None:
    checks = {check.name: check for check in layered.manifest.checks}

    assert {check.status for check in checks.values()} == {"passed"}, checks
    assert {"layer", "prediction", "same predictions as the source model"} <= checks.keys()


def test_it_answers_as_the_bundle_without_a_layer_does(
    layered: Bundle, bundle_folder: Path
) -> None:
    assert answers(layered.folder) == answers(bundle_folder)


def test_a_deployment_of_another_model_uploads_next_to_nothing(layered: Bundle) -> None:
    assert layered.layer_zip is not None
    assert layered.function_zip.stat().st_size < 1_000_000
    with zipfile.ZipFile(layered.layer_zip) as archive:
        assert all(name.startswith(("python/", "lib/")) for name in archive.namelist())
        # Tracebacks name the files where they are on Lambda.
        assert b"/opt/python/sklearn/base.py" in archive.read("python/sklearn/base.pyc")
