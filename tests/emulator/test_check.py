"""`packager check` of real bundles: the function really runs, and really fails to."""

import json
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

import pytest

from handler.manifest import ModelInfo
from packager.bundle.folder import FUNCTION_ZIP, Bundle, read_bundle
from packager.checking.story import check_bundle
from packager.requirements.select import Drop
from tests.conftest import Example
from tests.support.bundles import ECHO, make_bundle
from tests.support.commands import packager

pytestmark = pytest.mark.runtime

_DUMMY = """
import sys
import skops.io
from sklearn.dummy import DummyClassifier

rows = [[0.0] * 4] * 2
skops.io.dump(DummyClassifier(strategy="constant", constant=7).fit(rows, [7, 7]), sys.argv[1])
"""


@pytest.fixture
def source_model(example: Example, tmp_path: Path) -> Path:
    """The example's model folder, to be changed."""
    return shutil.copytree(example.folder, tmp_path / "source")


def test_the_examples_bundle_passes_every_check(bundle_folder: Path, example: Example) -> None:
    done = packager("check", bundle_folder, "--model", example.uri, "--json", env=example.env)

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["is_ok"] is True
    assert {check["status"] for check in report["checks"]} == {"passed"}, report
    by_name = {check["name"]: check["detail"] for check in report["checks"]}
    assert "input example" in by_name["prediction"]
    assert "1e-06 relative" in by_name["same predictions as the source model"]
    assert report["measurements"]["init_duration_ms"] > 0
    assert report["measurements"]["peak_memory_mib"] > 50
    assert report["measurements"]["largest_difference"] == 0


def test_without_the_source_model_the_comparison_is_not_called_made(bundle_folder: Path) -> None:
    done = packager("check", bundle_folder)

    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("not made")]
    assert "same predictions" in line
    assert "--model" in line
    assert done.stdout.splitlines()[-1] == "15 passed, 0 failed, 1 not made"


def test_another_model_is_no_source_to_compare_with(
    bundle_folder: Path, source_model: Path
) -> None:
    with (source_model / "model.skops").open("ab") as file:
        file.write(b" ")

    done = packager("check", bundle_folder, "--model", source_model)

    assert done.returncode == 2
    assert f"{source_model} is not the model that {bundle_folder} was built from" in done.stderr


def test_a_source_model_that_predicts_otherwise_is_shown_with_both_values(
    bundle_folder: Path, source_model: Path, example: Example
) -> None:
    argv = [str(example.training_python), "-c", _DUMMY, str(source_model / "model.skops")]
    subprocess.run(argv, check=True)

    report = check_bundle(read_bundle(bundle_folder), source_model=source_model)

    assert not report.is_ok
    (problem,) = report.problems
    assert "predicts otherwise than the source model" in problem.message
    assert "instead of 7" in problem.message
    assert report.entries[-1].status == "failed"


def without(bundle: Bundle, folder: Path, removed: Sequence[str]) -> Bundle:
    """Return a copy of the bundle whose zip lacks what starts with these names."""
    folder.mkdir()
    shutil.copyfile(bundle.folder / "model.zip", folder / "model.zip")
    with (
        zipfile.ZipFile(bundle.function_zip) as whole,
        zipfile.ZipFile(folder / FUNCTION_ZIP, "w") as rest,
    ):
        for member in whole.infolist():
            if not member.filename.startswith(tuple(removed)):
                rest.writestr(copy(member), whole.read(member), zipfile.ZIP_STORED)
    packages = tuple(item for item in bundle.manifest.packages if item.name not in removed)
    return Bundle(folder, replace(bundle.manifest, packages=packages, artifacts=()))


def test_a_dropped_package_that_the_model_needs_is_named_with_the_way_to_keep_it(
    bundle_folder: Path, tmp_path: Path
) -> None:
    bundle = without(read_bundle(bundle_folder), tmp_path / "without", ["skops", "joblib"])
    dropped = [Drop("joblib==1.4.2", "a rule"), Drop("skops==0.13.0", "another rule")]

    report = check_bundle(bundle, dropped=dropped)

    lacking = [problem for problem in report.problems if "no module skops" in problem.message]
    # Known from the zip, and found again when it runs.
    assert len(lacking) == 2
    for problem in lacking:
        assert "Its package was left out: skops==0.13.0 (another rule)" in problem.message
        assert "--keep skops" in problem.hint
    statuses = {entry.name: entry.status for entry in report.entries[-3:]}
    assert list(statuses.values()) == ["failed", "not made", "not made"]


_AT_INIT = "import mlflow.pyfunc\n"
_AT_A_PREDICTION = """
def handler(event, context):
    if event["rawPath"] != "/ping":
        import mlflow.sklearn
    return {"statusCode": 200, "body": "{}"}
"""


@pytest.mark.parametrize("code", [_AT_INIT, _AT_A_PREDICTION])
@pytest.mark.parametrize("dropped", ["mlflow==3.17.2", "mlflow-skinny==3.17.2"])
def test_a_model_that_lacks_mlflow_is_shown_the_way_to_its_small_distribution(
    tmp_path: Path, code: str, dropped: str
) -> None:
    info = ModelInfo("sklearn", "model.skops", "skops", input_example={"inputs": [[1.0]]})
    bundle = make_bundle(tmp_path, model=None, info=info, files=ECHO | {"handler/main.py": code})

    report = check_bundle(bundle, dropped=[Drop("skops", "a rule"), Drop(dropped, "a rule")])

    hints = [problem.hint or "" for problem in report.problems]
    (hint,) = [hint for hint in hints if "mlflow" in hint]
    assert "--with mlflow-skinny==3.17.2" in hint
    assert "--keep" not in hint


def test_a_bundle_for_another_machine_is_checked_as_far_as_it_can_be(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, model=None, architecture="arm64")

    report = check_bundle(bundle)

    if report.entries[-1].status != "not made" or "arm64" not in report.entries[-1].detail:
        pytest.skip("this machine is an arm64 one")
    assert {entry.status for entry in report.entries[-3:]} == {"not made"}
    assert "the bundle is for arm64" in report.entries[-3].detail


def test_a_bundle_for_a_python_that_is_not_here_says_what_would_check_it(
    bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_bundle(bundle_folder)
    target = replace(whole.manifest.target, runtime="python3.14")
    bundle = replace(whole, manifest=replace(whole.manifest, target=target))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path))
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))

    report = check_bundle(bundle)

    assert {entry.status for entry in report.entries[-3:]} == {"not made"}
    assert "Python 3.14 is not installed" in report.entries[-1].detail
    assert "uv python install 3.14" in report.entries[-1].detail
    # What can be told without running it is told: this bundle is for 3.11.
    assert "compiled for Python 3.11" in "".join(item.message for item in report.problems)


def test_a_failed_check_ends_with_status_3_and_says_what_to_do(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle", model=None, files={"handler.py": ""})

    done = packager("check", tmp_path / "bundle", "--static", "--json")

    assert done.returncode == 3
    assert json.loads(done.stdout)["is_ok"] is False
    assert "error: handler.py at the top of the zip is a second module `handler`" in done.stderr
    assert "hint: " in done.stderr
