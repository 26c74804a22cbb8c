"""From a row of the savers to its bundle's answer: environment, model, build, runtime."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from packager.aws.http_events import SampleRequest, http_api_event
from packager.aws.runtimes import MAX_PAYLOAD_BYTES
from packager.bundle.folder import FUNCTION_ZIP, Bundle, read_bundle
from packager.bundle.sizing import size_function
from packager.local.emulator import Emulator
from packager.local.envs import ensure_env
from packager.local.invocation import Invocation
from packager.local.invoke import find_runtime, running_function
from packager.local.response import decode_response
from packager.support.cache import build_once, cache_root
from packager.support.uv import Indexes
from tests.parity.flavors.parity import largest_difference
from tests.parity.flavors.saver import MLFLOW, Row, Saver
from tests.support.commands import ROOT
from tests.support.dockerfile import build_image

_SCRIPT = Path(__file__).parent / "logged.py"
_COMMAND_TIMEOUT_S = 1800
_INVOKE_TIMEOUT_S = 300
"""A heavy library on a slow machine."""


@dataclass(frozen=True)
class Outcome:
    """What came of one row."""

    flavor: str
    format: str
    versions: dict[str, str]
    """Of what the saver asks for, by distribution."""
    package_type: str
    zipped_bytes: int
    unzipped_bytes: int
    init_duration_ms: float
    largest_difference: float
    """From MLflow's predictions; 0: equal to the bit."""
    checks: dict[str, str]
    """Status by name, of those that `packager build` made."""


def run_row(row: Row, folder: Path) -> Outcome:
    """Log, build and run this row's model, and compare its predictions with MLflow's.

    :param folder: empty; what is made stays there.
    :raises AssertionError: a step failed, or the predictions differ by more than is tolerated.
    """
    wheels = wheels_of_this_machine(row.saver)
    log_model(row, folder, wheels)
    report = build(row, folder, wheels)
    checks = passed_checks(report)
    bundle = read_bundle(folder / "dist")
    ours, init_duration_ms = ask(bundle, folder)
    expected = json.loads((folder / "expected.json").read_text())
    keys = row.tolerance.keys if row.tolerance else None
    difference = largest_difference(ours, expected, keys)
    allowed = row.tolerance.relative if row.tolerance else 0.0
    assert difference <= allowed, f"{row}: off by {difference:.2g}, {allowed:.2g} is allowed"
    info = bundle.manifest.model
    return Outcome(
        flavor=info.flavor,
        format=info.serialization_format,
        versions=versions(row.saver, folder),
        package_type=bundle.manifest.package_type,
        zipped_bytes=(bundle.folder / FUNCTION_ZIP).stat().st_size,
        unzipped_bytes=report["unzipped_bytes"],
        init_duration_ms=init_duration_ms,
        largest_difference=difference,
        checks=checks,
    )


def wheels_of_this_machine(saver: Saver) -> Indexes:
    """Return a folder with the wheel of torch that pip finds here, if the saver needs one.

    The registry's own is CUDA's, several GB; which other one there is, pip's configuration
    knows, and uv has another.

    :raises AssertionError: pip found the one with CUDA.
    """
    lines = [line for line in saver.requirements if Requirement(line).name == "torch"]
    if not lines:
        return Indexes()
    name = "-".join([*lines, platform.machine(), platform.python_version()]).replace("==", "-")
    folder = build_once(
        cache_root() / "flavors-wheels" / name, lambda partial: _fetch(lines, partial)
    )
    return Indexes(find_links=(str(folder),))


def _fetch(lines: list[str], folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    _run([*pip, *lines], folder)
    for wheel in folder.iterdir():
        assert "+cpu" in wheel.name, f"{wheel.name} is not the CPU build"


def log_model(row: Row, folder: Path, wheels: Indexes) -> None:
    """Write `model/`, `requests.json`, `expected.json` and `versions.json` into the folder."""
    lines = [MLFLOW, *row.saver.requirements]
    python = ensure_env("flavors", row.saver.python, lines, indexes=wheels)
    script = [str(python), "-P", str(_SCRIPT)]
    # What the libraries leave in a user's home folder is this row's own.
    alone = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    _run([*script, "save", str(row.saver.path), row.variant, str(folder)], folder, alone)
    _run([*script, "answer", str(folder)], folder, alone)


def build(row: Row, folder: Path, wheels: Indexes) -> dict[str, Any]:
    """Build and check the bundle as a user would, and return the build's report.

    Not compiled: the rows are about the loaders. A saver may say otherwise.
    """
    module = "tests.parity.flavors.newer_system" if row.saver.needs_newer_system else "packager"
    argv = [sys.executable, "-m", module, "build", str(folder / "model"), "--json"]
    argv += ["--output", str(folder / "dist"), "--runtime", row.saver.runtime]
    argv += ["--optimize", "none", *wheels.args, *row.saver.build_options.get(row.variant, ())]
    report: dict[str, Any] = json.loads(_run(argv, ROOT))
    return report


def passed_checks(report: Mapping[str, Any]) -> dict[str, str]:
    """Return the checks of a build's report, status by name.

    :raises AssertionError: one of them did not pass, or was not made.
    """
    checks = {item["name"]: item["status"] for item in report["check"]["checks"]}
    others = {name: status for name, status in checks.items() if status != "passed"}
    assert not others, f"checks that did not pass: {others}"
    return checks


def ask(bundle: Bundle, folder: Path) -> tuple[list[Any], float]:
    """Return the bundle's answers to `requests.json`, decoded, and how long its init took in ms."""
    bodies = [json.dumps(item) for item in json.loads((folder / "requests.json").read_text())]
    with running(bundle, folder / "image") as function:
        invocations = [function.invoke(http_api_event(_scoring_request(body))) for body in bodies]
    init_duration_ms = invocations[0].init_duration_ms
    assert init_duration_ms is not None
    return [_answer(invocation) for invocation in invocations], init_duration_ms


def _scoring_request(body: str) -> SampleRequest:
    assert len(body) < MAX_PAYLOAD_BYTES, "Lambda takes 6 MB"
    return SampleRequest("POST", "/invocations", "application/json", body)


def _answer(invocation: Invocation) -> Any:
    assert invocation.outcome == "ok", f"{invocation.error}\n{invocation.log[-5000:]}"
    response = decode_response(invocation.payload)
    assert response is not None, invocation.payload
    assert response.status == 200, f"{str(response.body)[:2000]}\n{invocation.log[-5000:]}"
    return response.body


@contextmanager
def running(bundle: Bundle, image: Path) -> Iterator[Emulator]:
    """Yield the function: a zip's as Lambda unpacks it, an image's as its Dockerfile makes it."""
    with ExitStack() as stack:
        if bundle.manifest.package_type == "zip":
            yield stack.enter_context(running_function(bundle, timeout_s=_INVOKE_TIMEOUT_S))
            return
        stack.callback(shutil.rmtree, image, ignore_errors=True)  # gigabytes
        python = find_runtime(bundle)
        task_root = build_image(bundle.folder, image, python)
        emulator = Emulator(
            task_root,
            python=python,
            memory_mib=size_function(bundle.manifest.model, "embedded").memory_mib,
            timeout_s=_INVOKE_TIMEOUT_S,
        )
        yield stack.enter_context(emulator)


def versions(saver: Saver, folder: Path) -> dict[str, str]:
    """Return the versions of what the saver asks for by name, as they were installed."""
    installed = json.loads((folder / "versions.json").read_text())
    found = {name.lower().replace("_", "-"): version for name, version in installed.items()}
    names = [Requirement(line).name for line in saver.requirements]
    return {name: found[name.lower().replace("_", "-")] for name in names}


def _run(argv: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Return what a command, started in the folder, prints to stdout."""
    done = subprocess.run(
        argv,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_COMMAND_TIMEOUT_S,
    )
    said = f"{' '.join(argv)}\n{done.stdout}{done.stderr}"
    assert done.returncode == 0, said[-8000:]
    return done.stdout
