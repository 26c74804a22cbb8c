"""`packager build --layer`: what models with one lock share, and what each has of its own."""

import importlib
import json
import pickle
import shutil
import zipfile
from pathlib import Path

import pytest

from packager.bundle.folder import Bundle, read_bundle
from tests.commands.workshop import Workshop
from tests.support.wheels import make_wheel


def build(workshop: Workshop, *options: str) -> Bundle:
    done = workshop.build("--no-index", "--find-links", str(workshop.index), "--layer", *options)
    assert done.returncode == 0, done.stderr
    return read_bundle(workshop.output)


def names(path: Path | None) -> list[str]:
    assert path is not None
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_two_models_with_one_lock_have_one_layer(workshop: Workshop) -> None:
    first = build(workshop).manifest
    (workshop.model / "model.pkl").write_bytes(pickle.dumps([importlib.import_module]))
    done = workshop.build("--no-index", "--find-links", str(workshop.index), "--layer")
    second = read_bundle(workshop.output).manifest

    assert "from the cache" in done.stderr
    assert first.layer is not None
    assert first.layer == second.layer
    assert first.model.files != second.model.files
    digests = [{item.path: item.sha256 for item in each.artifacts} for each in (first, second)]
    assert digests[0]["function.zip"] != digests[1]["function.zip"]


def test_a_layer_that_is_made_again_has_the_same_bytes(workshop: Workshop) -> None:
    first = build(workshop).manifest.layer
    shutil.rmtree(workshop.folder / "cache" / "dependencies")

    assert build(workshop).manifest.layer == first


def test_the_dependencies_are_in_the_layer_and_ours_is_in_the_function(workshop: Workshop) -> None:
    bundle = build(workshop, "--model-source", "embedded")

    function, layer = names(bundle.function_zip), names(bundle.layer_zip)
    assert {name.split("/")[0] for name in function} == {"handler", "bundle.json", "model"}
    assert {name.split("/")[0] for name in layer} == {"python"}
    assert any(name.startswith("python/fastapi/__init__.py") for name in layer)
    template = (workshop.output / "template.yaml").read_text()
    assert bundle.manifest.layer is not None
    assert bundle.manifest.layer.sha256[:12] in template
    checks = {check.name: check for check in bundle.manifest.checks}
    assert checks["layer"].status == "passed"
    assert checks["import and init"].status == "not made", "the target is arm64"


def test_the_same_dependencies_without_a_layer_do_not_take_the_layers_archive(
    workshop: Workshop,
) -> None:
    build(workshop)
    done = workshop.build("--no-index", "--find-links", str(workshop.index))

    assert done.returncode == 0, done.stderr
    bundle = read_bundle(workshop.output)
    assert bundle.layer_zip is None
    assert not (workshop.output / "layer.zip").exists()
    assert not [name for name in names(bundle.function_zip) if name.startswith("python/")]


@pytest.mark.parametrize("options", [("--package", "image"), ()])
def test_an_image_takes_no_layer(workshop: Workshop, options: tuple[str, ...]) -> None:
    make_wheel(workshop.index, "torch", "99.0")  # an image by default
    workshop.require("torch==99.0")

    workshop.refuses(
        "--layer is for zips", "container image", exit_code=2, options=("--layer", *options)
    )


def test_a_dry_run_says_that_there_would_be_a_layer(workshop: Workshop) -> None:
    done = workshop.build(
        *("--no-index", "--find-links", str(workshop.index), "--layer", "--dry-run", "--json")
    )

    assert json.loads(done.stdout)["has_layer"] is True
