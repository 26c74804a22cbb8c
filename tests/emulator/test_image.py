"""A container image of the example: its Dockerfile's steps, and the result on the real runtime."""

import dataclasses
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from packager.bundle.folder import Bundle, read_bundle
from packager.bundle.image import write_image_context
from packager.bundle.skeleton import write_manifest
from packager.local.emulator import Emulator, runtime_python
from packager.support.digests import file_entry
from packager.support.zips import sorted_files, write_archive
from tests.support.commands import ROOT, packager
from tests.support.dockerfile import build_image

pytestmark = pytest.mark.runtime
EVENT = ROOT / "events" / "http-api-dataframe-split.json"


@pytest.fixture(scope="module")
def image_bundle(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The example's bundle as `--package image` writes it, made from the zip that is there."""
    zipped = read_bundle(bundle_folder)
    staging, folder = tmp_path_factory.mktemp("staging"), tmp_path_factory.mktemp("image")
    with zipfile.ZipFile(zipped.function_zip) as archive:
        archive.extractall(staging)
    assert zipped.model_zip is not None
    with zipfile.ZipFile(zipped.model_zip) as archive:
        archive.extractall(staging / "model")
    manifest = dataclasses.replace(
        zipped.manifest,
        model_source="embedded",
        model_archive=None,
        package_type="image",
        artifacts=(),
        checks=(),
    )
    write_manifest(manifest, staging)
    write_archive(staging, folder / "function.zip")
    shutil.rmtree(staging)
    write_image_context(manifest, folder)
    artifacts = (file_entry(path, path.name) for path in sorted_files(folder))
    write_manifest(dataclasses.replace(manifest, artifacts=tuple(artifacts)), folder)
    return read_bundle(folder)


@pytest.fixture(scope="module")
def python(image_bundle: Bundle) -> Path:
    return runtime_python(image_bundle.manifest.target.runtime.removeprefix("python"))


def answer(payload: dict[str, Any]) -> Any:
    assert payload["statusCode"] == 200, payload
    return json.loads(payload["body"])


def test_what_the_dockerfile_makes_predicts_on_the_real_runtime(
    image_bundle: Bundle, python: Path, tmp_path: Path
) -> None:
    task_root = build_image(image_bundle.folder, tmp_path, python)

    with Emulator(task_root, python=python) as function:
        invocation = function.invoke(json.loads(EVENT.read_text()))

    assert answer(invocation.payload) == {"predictions": [0, 1]}
    modes = {path.stat().st_mode & 0o777 for path in task_root.rglob("*")}
    assert modes == {0o644, 0o755}, "Lambda's user is none of the image's"
    assert not list(task_root.rglob("function.zip"))


def test_an_image_that_cannot_work_is_not_built(
    image_bundle: Bundle, python: Path, tmp_path: Path
) -> None:
    context = tmp_path / "context"
    shutil.copytree(image_bundle.folder, context)
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(context / "function.zip") as archive:
        archive.extractall(unpacked)
    shutil.rmtree(unpacked / "fastapi")
    write_archive(unpacked, context / "function.zip")

    with pytest.raises(AssertionError, match="No module named 'fastapi'"):
        build_image(context, tmp_path / "image", python)


def test_an_image_bundle_is_invoked_as_any_other(image_bundle: Bundle) -> None:
    done = packager("invoke", image_bundle.folder, "--event", EVENT, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["body"] == {"predictions": [0, 1]}
