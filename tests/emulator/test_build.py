"""What `packager build` makes of a model that MLflow logged."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from packager.bundle.folder import read_bundle
from packager.errors import BundleInvalid
from tests.conftest import Example
from tests.support.commands import packager

DEPENDENCIES_NEVER_SHIPPED = (
    "mlflow",
    "boto3",
    "botocore",
    "s3transfer",
    "awslambdaric",
    "pyarrow",
)


def zip_names(bundle_folder: Path) -> list[str]:
    with zipfile.ZipFile(bundle_folder / "function.zip") as archive:
        return archive.namelist()


def test_the_zip_holds_what_inference_needs_and_nothing_else(bundle_folder: Path) -> None:
    names = zip_names(bundle_folder)
    top = {name.split("/")[0] for name in names}

    assert {"handler", "bundle.json", "fastapi", "mangum", "sklearn", "numpy"} <= top
    assert not top & set(DEPENDENCIES_NEVER_SHIPPED)
    assert not [name for name in names if re.search(r"/tests?/test_|/conftest\.", name)]
    assert not [name for name in names if name.endswith((".pyx", ".pyi", ".c", ".h"))]


def test_every_module_is_compiled(bundle_folder: Path) -> None:
    names = set(zip_names(bundle_folder))
    tag = read_bundle(bundle_folder).manifest.target.runtime.replace("python3.", "cpython-3")
    sources = [name for name in names if name.endswith(".py")]

    for name in sources:
        folder, _, module = name.rpartition("/")
        assert f"{folder}/__pycache__/{module.removesuffix('.py')}.{tag}.pyc" in names
    # Ours, for readable tracebacks, and those of packages that look for their own sources.
    kept = {name.split("/")[0] for name in sources}
    assert kept == {"handler", "joblib", "numpy"}, kept


def test_the_bundle_has_everything_a_deployment_needs(bundle_folder: Path) -> None:
    bundle = read_bundle(bundle_folder)

    names = {path.name for path in bundle_folder.iterdir()}
    assert names == {
        "bundle.json",
        "events",
        "function.zip",
        "model.zip",
        "pylock.toml",
        "sbom.cdx.json",
        "template.yaml",
    }
    template = (bundle_folder / "template.yaml").read_text()
    assert bundle.manifest.model_archive is not None
    assert bundle.manifest.model_archive.sha256 in template
    event = json.loads((bundle_folder / "events" / "http-api-dataframe-split.json").read_text())
    assert "feature_0" in event["body"]


def test_a_bundle_with_a_changed_file_is_not_taken_for_a_bundle(
    bundle_folder: Path, tmp_path: Path
) -> None:
    for path in bundle_folder.rglob("*"):
        if path.is_file():
            link = tmp_path / path.relative_to(bundle_folder)
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(path)
    (tmp_path / "model.zip").unlink()
    (tmp_path / "model.zip").write_bytes(b"other")

    with pytest.raises(BundleInvalid, match=r"model\.zip differs"):
        read_bundle(tmp_path)


def test_a_second_build_elsewhere_gives_the_same_bytes(
    bundle_folder: Path, example: Example, other_cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    arguments = ["--output", "deep/er/dist", "--lock", bundle_folder / "pylock.toml", "--locked"]
    arguments += ["--optimize", "none"]
    elsewhere = {
        "TZ": "Pacific/Auckland",
        "PYTHONHASHSEED": "7",
        "LC_ALL": "C",
        "PACKAGER_CACHE": str(other_cache),
    }
    done = packager(
        "build",
        example.folder,
        *arguments,
        "--no-check",
        cwd=tmp_path / "other",
        env=example.env | elsewhere,
        umask=0o077,
    )
    assert done.returncode == 0, done.stderr
    again = tmp_path / "other" / "deep" / "er" / "dist"

    for artifact in read_bundle(bundle_folder).manifest.artifacts:
        same = (again / artifact.path).read_bytes() == (bundle_folder / artifact.path).read_bytes()
        assert same, artifact.path


def test_a_build_out_of_the_cache_gives_the_same_bytes_and_resolves_nothing(
    bundle_folder: Path, example: Example, tmp_path: Path
) -> None:
    # Whatever asks the index now, fails.
    offline = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "uv")}
    lock = bundle_folder / "pylock.toml"

    argv = ["build", example.folder, "-o", tmp_path / "dist", "--lock", lock, "--optimize", "none"]
    done = packager(*argv, env=example.env | offline)

    assert done.returncode == 0, done.stderr
    assert "from the cache" in done.stderr
    for name in ("bundle.json", "function.zip"):
        assert (tmp_path / "dist" / name).read_bytes() == (bundle_folder / name).read_bytes()


def test_a_build_that_is_killed_leaves_the_old_output_untouched(
    example: Example, tmp_path: Path
) -> None:
    output = tmp_path / "dist"
    output.mkdir()
    (output / "bundle.json").write_text("the bundle of last week")
    building = subprocess.Popen(
        [sys.executable, "-m", "packager", "build", str(example.folder), "--output", str(output)],
        env=os.environ | example.env | {"TMPDIR": str(tmp_path)},  # what a kill leaves behind
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert building.stderr is not None
    for line in building.stderr:
        if "Adding handler and model" in line:
            break
    time.sleep(0.1)  # into the middle of the writing
    os.killpg(building.pid, signal.SIGKILL)
    building.wait()
    building.stderr.close()

    assert [path.name for path in output.iterdir()] == ["bundle.json"]
    assert (output / "bundle.json").read_text() == "the bundle of last week"


def test_dry_run_says_what_it_would_do_and_writes_nothing(example: Example, tmp_path: Path) -> None:
    argv = ["build", example.uri, "--dry-run", "--json", "--optimize", "none"]
    done = packager(*argv, cwd=tmp_path, env=example.env)

    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["target"]["architecture"] == "x86_64"
    assert {"name": "scikit-learn", "version": "1.7.2"} in plan["packages"]
    assert any(item["requirement"].startswith("mlflow") for item in plan["dropped"])
    assert list(tmp_path.iterdir()) == []
