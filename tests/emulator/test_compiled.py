"""Bundles without the model's library, and with it called in a shorter way, on the real runtime."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from packager.bundle.folder import read_bundle
from tests.conftest import Example, only_one_worker
from tests.support.commands import packager

pytestmark = pytest.mark.runtime

LIBRARIES = {"sklearn", "scipy", "joblib", "skops", "pandas", "fastapi", "pydantic"}


@pytest.fixture(scope="module")
def built(example: Example, shared_folder: Path) -> dict[str, Path]:
    """The example's bundles by the engine that was asked for."""
    folders = {engine: shared_folder / f"dist-{engine}" for engine in ("auto", "exact")}
    with only_one_worker(shared_folder):
        for engine, folder in folders.items():
            if not folder.exists():
                argv = ("build", example.folder, "-o", folder, "--optimize", engine)
                done = packager(*argv, env=example.env)
                assert done.returncode == 0, done.stderr
    return folders


def top_level(folder: Path) -> set[str]:
    with zipfile.ZipFile(folder / "function.zip") as archive:
        return {name.split("/")[0] for name in archive.namelist()}


def answers(folder: Path, events: Path) -> dict[str, Any]:
    names = sorted(path.name for path in events.glob("*.json"))
    argv = [part for name in names for part in ("--event", events / name)]
    done = packager("invoke", folder, *argv, "--json", timeout_s=600)
    assert done.returncode == 0, done.stderr
    replies = [(item["statusCode"], item["body"]) for item in json.loads(done.stdout)]
    return dict(zip(names, replies, strict=True))


def test_the_example_is_compiled_and_needs_none_of_its_libraries(built: dict[str, Path]) -> None:
    manifest = read_bundle(built["auto"]).manifest
    engine = manifest.model.engine

    assert (engine.name, engine.max_difference) == ("arrays", 0.0)
    assert engine.compared_rows >= 10_000
    assert not manifest.model.executes_code
    assert not top_level(built["auto"]) & LIBRARIES
    assert {"pandas.zip", "fastapi.zip", "numpy"} <= top_level(built["auto"])
    assert [entry.path for entry in manifest.model.files] == ["compiled.arrays"]
    names = {check.name: check.status for check in manifest.checks}
    assert names["same predictions as the source model"] == "passed"


def test_the_articles_model_which_has_no_signature_is_compiled_too(
    example: Example, built: dict[str, Path], tmp_path: Path
) -> None:
    # `mlflow.sklearn.log_model(model, "random-forest-model")`
    model = tmp_path / "model"
    shutil.copytree(example.folder, model)
    document = yaml.safe_load((model / "MLmodel").read_text())
    document = {key: document[key] for key in document if "signature" not in key}
    del document["saved_input_example_info"]
    (model / "MLmodel").write_text(yaml.safe_dump(document))
    for path in model.glob("*input_example.json"):
        path.unlink()

    done = packager("build", model, "-o", tmp_path / "dist", env=example.env, timeout_s=600)

    assert done.returncode == 0, done.stderr
    manifest = read_bundle(tmp_path / "dist").manifest
    engine = manifest.model.engine
    assert (manifest.model.signature, engine.name, engine.max_difference) == (None, "arrays", 0.0)
    assert engine.compared_rows >= 10_000
    assert not top_level(tmp_path / "dist") & LIBRARIES
    with zipfile.ZipFile(tmp_path / "dist" / "function.zip") as archive:
        assert sum(item.file_size for item in archive.infolist()) < 70_000_000
    statuses = {check.name: check.status for check in manifest.checks}
    assert statuses["same predictions as the source model"] == "passed"
    # What has a signature is asked the same.
    events = tmp_path / "dist" / "events"
    name = "http-api-dataframe-split.json"
    assert answers(tmp_path / "dist", events)[name] == (
        200,
        answers(built["auto"], events)[name][1],
    )


def test_exact_keeps_scikit_learn_and_drops_what_only_loading_needed(
    built: dict[str, Path],
) -> None:
    engine = read_bundle(built["exact"]).manifest.model.engine

    assert (engine.name, engine.input_kind, engine.is_direct) == ("exact", "array", True)
    assert "sklearn" in top_level(built["exact"])
    assert not top_level(built["exact"]) & {"skops", "pandas"}


def test_every_event_gets_the_answer_that_the_logged_model_gives(
    built: dict[str, Path], bundle_folder: Path
) -> None:
    expected = answers(bundle_folder, bundle_folder / "events")
    for engine, folder in built.items():
        assert answers(folder, bundle_folder / "events") == expected, engine
    assert {status for status, _ in expected.values()} == {200, 400}


def test_a_build_elsewhere_compiles_to_the_same_bytes(
    built: dict[str, Path], example: Example, other_cache: Path, tmp_path: Path
) -> None:
    elsewhere = {
        "TZ": "Pacific/Auckland",
        "PYTHONHASHSEED": "7",
        "PACKAGER_CACHE": str(other_cache),
    }
    lock = built["auto"] / "pylock.toml"
    argv = ["build", example.folder, "-o", tmp_path / "dist", "--lock", lock, "--no-check"]
    done = packager(*argv, env=example.env | elsewhere, timeout_s=600)
    assert done.returncode == 0, done.stderr
    for name in ("function.zip", "model.zip"):
        assert (tmp_path / "dist" / name).read_bytes() == (built["auto"] / name).read_bytes()


def test_inspect_says_what_computes_and_how_near_it_comes(built: dict[str, Path]) -> None:
    done = packager("inspect", built["auto"])
    assert "compiled to arrays, equal to the bit on" in done.stdout
    data = json.loads(packager("inspect", built["exact"], "--json").stdout)
    assert data["engine"]["name"] == "exact"
    assert data["engine"]["compared_rows"] >= 10_000


def test_safe_only_keeps_the_format_that_executes_no_code(example: Example, tmp_path: Path) -> None:
    argv = ("build", example.folder, "-o", tmp_path / "dist", "--safe-only", "--no-check")
    done = packager(*argv, "--optimize", "exact", env=example.env)
    assert done.returncode == 0, done.stderr
    assert "skops" in top_level(tmp_path / "dist")
    model = read_bundle(tmp_path / "dist").manifest.model
    assert model.engine.data_path is None
    assert "model.skops" in {entry.path for entry in model.files}


def test_an_engine_that_is_not_equal_is_refused_by_name(example: Example, tmp_path: Path) -> None:
    # Its thresholds are float64; ONNX's trees round them to float32.
    argv = ("build", example.folder, "-o", tmp_path / "dist", "--optimize", "onnx")
    done = packager(*argv, env=example.env, timeout_s=600)
    assert done.returncode == 2, done.stdout
    assert "--optimize onnx" in done.stderr
    assert "--optimize auto takes the logged model" in done.stderr
    assert not (tmp_path / "dist").exists()
