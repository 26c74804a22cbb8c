"""Bundles as container images: which ones, and what Docker is given."""

import re
from pathlib import Path

import pytest

from handler.manifest import BundleManifest, ModelInfo, PackageType, TargetInfo
from packager.aws.runtimes import ARCHITECTURES
from packager.bundle.image import (
    IMAGE_BY_DEFAULT,
    docker_platform,
    package_type_for,
    write_image_context,
)


def context(
    folder: Path,
    runtime: str = "python3.12",
    architecture: str = "arm64",
    own_python: str | None = None,
) -> Path:
    manifest = BundleManifest(
        packager_version="0",
        target=TargetInfo(runtime, architecture),
        model=ModelInfo("sklearn", "model.skops", "skops", own_python=own_python),
        model_source="embedded",
        model_archive=None,
        package_type="image",
    )
    folder.mkdir(exist_ok=True)
    write_image_context(manifest, folder)
    return folder


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["numpy", "scikit-learn"], "zip"),
        (["numpy", "torch"], "image"),
        (["Tensorflow_CPU"], "image"),
        (["torchmetrics-lite", "tensorflow-metadata"], "zip"),
        ([], "zip"),
    ],
)
def test_what_fits_into_no_zip_becomes_an_image_by_itself(
    names: list[str], expected: PackageType
) -> None:
    chosen, reason = package_type_for(names, "auto")
    assert chosen == expected
    assert (reason is not None) == (expected == "image")


@pytest.mark.parametrize("wanted", ["zip", "image"])
def test_the_users_choice_needs_no_explanation(wanted: PackageType) -> None:
    assert package_type_for(["torch"], wanted) == (wanted, None)


@pytest.mark.parametrize("rule", IMAGE_BY_DEFAULT)
def test_each_rule_says_why_in_one_line(rule: object) -> None:
    (name,) = re.findall(r"glob='([\w-]+)", str(rule))
    _, reason = package_type_for([name], "auto")
    assert reason is not None
    assert reason.startswith(f"packaged as a container image: {name} unpacks to more than")


def test_the_base_image_is_that_of_the_same_runtime_and_can_be_replaced(tmp_path: Path) -> None:
    text = (context(tmp_path) / "Dockerfile").read_text()
    assert "ARG BASE_IMAGE=amazon/aws-lambda-python:3.12\n" in text
    assert "ARG PLATFORM=linux/arm64\n" in text
    stages = re.findall(r"^FROM (.*)$", text, re.MULTILINE)
    assert len(stages) == 2
    assert all(stage.startswith("--platform=${PLATFORM} ${BASE_IMAGE}") for stage in stages)
    assert text.endswith('CMD ["handler.main.handler"]\n')


def test_a_model_with_its_own_python_has_an_image_of_debians_with_both(tmp_path: Path) -> None:
    text = (context(tmp_path, own_python="3.8") / "Dockerfile").read_text()
    bases = re.findall(r"^ARG \w*IMAGE=(.*)$", text, re.MULTILINE)
    assert bases == ["python:3.12-slim-bookworm", "python:3.8-slim-bookworm"]
    assert "COPY --from=model-python /usr/local/ /opt/python3.8/\n" in text
    # Nothing of Lambda's is in such an image: its runtime client is one of the packages.
    assert 'ENTRYPOINT ["python3.12", "-m", "awslambdaric"]\nCMD ["handler.main.handler"]\n' in text
    assert "LAMBDA_TASK_ROOT" not in text, "a variable of Lambda's own images"


def test_docker_is_sent_the_zip_and_nothing_else(tmp_path: Path) -> None:
    rules = (context(tmp_path) / ".dockerignore").read_text().splitlines()
    assert [rule for rule in rules if not rule.startswith("#")] == ["*", "!function.zip"]


def test_equal_bundles_have_equal_contexts(tmp_path: Path) -> None:
    first, second = context(tmp_path / "a"), context(tmp_path / "b")
    for name in ("Dockerfile", ".dockerignore"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_has_a_platform(architecture: str) -> None:
    assert docker_platform(architecture) in ("linux/amd64", "linux/arm64")
