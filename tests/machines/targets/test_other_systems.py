"""Bundles run where they were not built: under another Python, on another architecture."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from packager.aws.runtimes import find_target
from packager.local.emulator import RUNTIME_PACKAGES, Emulator
from packager.local.invoke import unpacked
from packager.local.response import decode_response
from packager.support.uv import run_uv
from tests.conftest import Example
from tests.machines.targets.roots import PYTHON, Root
from tests.support.commands import packager

pytestmark = pytest.mark.targets

RUNTIME = f"python{PYTHON}"


def build(example: Example, output: Path, architecture: str) -> None:
    # What is compiled has machine code of ours, which must run on arm64 too.
    engine = "arrays" if architecture == "arm64" else "exact"
    done = packager(
        *("build", example.uri, "-o", output, "--model-source", "embedded"),
        *("--runtime", RUNTIME, "--architecture", architecture, "--optimize", engine),
        env=example.env,
        timeout_s=900,
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def running(root: Root, bundle: Path, folder: Path) -> Iterator[Emulator]:
    """Run the bundle's function by the other system's Python, with Lambda's packages."""
    runtime = folder / "runtime"
    platform = find_target(RUNTIME, root.architecture).uv_platform
    options = ["--target", str(runtime), "--python-version", PYTHON, "--python-platform", platform]
    run_uv(["pip", "install", *options, "--only-binary", ":all:", *RUNTIME_PACKAGES])
    with unpacked(bundle / "function.zip") as task_root:
        paths = {"PYTHONPATH": f"{task_root}:{runtime}"}
        # qemu takes minutes for what a machine does in seconds.
        with Emulator(task_root, python=root.python, environment=paths, timeout_s=900) as function:
            yield function


def test_a_bundle_for_python313_predicts_on_another_system(
    root: Root, example: Example, tmp_path: Path
) -> None:
    build(example, tmp_path / "dist", root.architecture)
    event = json.loads((tmp_path / "dist" / "events" / "http-api-dataframe-split.json").read_text())

    with running(root, tmp_path / "dist", tmp_path) as function:
        answer = function.invoke(event)

    response = decode_response(answer.payload)
    assert response is not None, answer.error or answer.log
    assert (response.status, response.body) == (200, of_the_source(example, event, tmp_path))


def of_the_source(example: Example, event: dict[str, str], folder: Path) -> object:
    """Return what the model answers in its own environment on this machine."""
    (folder / "request.json").write_text(event["body"])
    done = packager(
        "predict", "-m", example.uri, "-i", folder / "request.json", "-t", "json", env=example.env
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
