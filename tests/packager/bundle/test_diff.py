"""What `packager diff` and `packager inspect` say of a bundle's packages and files."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from handler.manifest import CheckEntry, FileEntry, ModelInfo, PackageEntry, TargetInfo
from packager.bundle.contents import read_contents
from packager.bundle.folder import SBOM_NAME, Bundle
from packager.bundle.sbom import InstalledPart, render_sbom
from packager.cli.main import cli
from packager.packages.distributions import Distribution
from tests.support.bundles import make_bundle

NUMPY = ("numpy/__init__.pyc", "numpy.libs/libblas.so", "numpy-{}.dist-info/METADATA")
COLUMNS = [{"name": "x", "type": "double"}, {"name": "y", "type": "long", "required": False}]


def run(*args: object) -> Result:
    return CliRunner().invoke(cli, [str(arg) for arg in args])


def bundle(
    folder: Path,
    *,
    numpy: str | None = "2.0",
    files: Mapping[str, str] | None = None,
    has_sbom: bool = True,
    **changes: Any,
) -> Bundle:
    """Write a bundle with numpy and six in it."""
    packages = [PackageEntry("six", "1.17")]
    inside = {"handler/main.py": "handler", "six.pyc": "s" * 100, **(files or {})}
    six = Distribution("six", "1.17", "MIT", (), 90, ("six.py",), ())
    distributions = [six]
    if numpy:
        packages.insert(0, PackageEntry("numpy", numpy))
        inside |= {name.format(numpy): name * 10 + numpy for name in NUMPY}
        tops = ("numpy", "numpy.libs")
        distributions.append(Distribution("numpy", numpy, "BSD-3-Clause", (), 5000, tops, ()))
    changes = {"packages": tuple(packages), **changes}
    plain = make_bundle(folder, files=inside, **changes)
    sbom = (
        {SBOM_NAME: render_sbom(plain.manifest, InstalledPart(distributions, "", "3.11"))}
        if has_sbom
        else {}
    )
    return make_bundle(folder, files=inside, beside=sbom, **changes)


def model(*columns: dict[str, Any], sha: str = "a") -> ModelInfo:
    signature = {"inputs": list(columns), "outputs": None, "params": None}
    files = (FileEntry("model.skops", 10, sha * 64),)
    return ModelInfo("sklearn", "model.skops", "skops", signature=signature, files=files)


def test_packages_in_a_layer_are_found_and_what_moved_there_is_said(tmp_path: Path) -> None:
    flat = bundle(tmp_path / "a")
    dependencies = {name.format("2.0"): name * 10 + "2.0" for name in NUMPY}
    layer = {f"python/{name}": text for name, text in dependencies.items()}
    layered = make_bundle(
        tmp_path / "b",
        files={"handler/main.py": "handler", "six.pyc": "s" * 100},
        layer={**layer, "lib/libblas.so": "blas"},
        packages=flat.manifest.packages,
        beside={SBOM_NAME: (flat.folder / SBOM_NAME).read_text()},
    )

    numpy = read_contents(layered).packages[0]
    assert numpy == replace(read_contents(flat).packages[0], zipped_bytes=numpy.zipped_bytes)
    document = json.loads(run("diff", flat.folder, layered.folder, "--json").stdout)
    assert {"name": "has_layer", "before": "false", "after": "true"} in document["facts"]
    assert [change["name"] for change in document["package_sizes"]] == ["lib"]
    added = [change["path"] for change in document["files"] if change["before_bytes"] is None]
    assert "/opt/python/numpy/__init__.pyc" in added
    assert "files in function.zip and layer.zip" in run("diff", flat.folder, layered.folder).stdout
    assert layered.manifest.layer is not None
    assert layered.manifest.layer.sha256 in run("inspect", layered.folder).stdout


def test_equal_bundles_are_told_in_one_line(tmp_path: Path) -> None:
    first, second = bundle(tmp_path / "a"), bundle(tmp_path / "b")
    done = run("diff", first.folder, second.folder, "--exit-code")
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{first.folder} and {second.folder} are the same bundle\n"
    assert json.loads(run("diff", first.folder, second.folder, "--json").stdout)["is_empty"]


def test_packages_that_came_went_and_changed(tmp_path: Path) -> None:
    old, new, without = (
        bundle(tmp_path / name, numpy=version)
        for name, version in (("old", "2.0"), ("new", "2.10"), ("without", None))
    )
    changed = run("diff", old.folder, new.folder).stdout
    assert "packages: 1 changed" in changed
    assert "~ numpy  2.0 -> 2.10" in changed
    assert "+ numpy  2.0" in run("diff", without.folder, old.folder).stdout
    removed = run("diff", old.folder, without.folder).stdout
    assert "- numpy  2.0" in removed
    size = sum(len(name * 10 + "2.0") for name in NUMPY)
    assert f"-{size} B" in removed
    assert "numpy 3 removed" in " ".join(removed.split())


def test_files_are_counted_for_each_package_and_named_on_request(tmp_path: Path) -> None:
    old = bundle(tmp_path / "old", files={"handler/gone.py": "", "numpy/core.so": "one"})
    new = bundle(tmp_path / "new", files={"handler/new.py": "", "numpy/core.so": "two"})
    short = run("diff", old.folder, new.folder).stdout
    assert "files in function.zip: 1 changed, 1 added, 1 removed" in short
    assert "handler  1 added, 1 removed" in short
    assert "core.so" not in short
    named = run("diff", old.folder, new.folder, "--files").stdout
    for line in ("~ numpy/core.so", "+ handler/new.py", "- handler/gone.py"):
        assert line in named


def test_target_model_signature_and_checks_are_compared(tmp_path: Path) -> None:
    x, y = COLUMNS
    old = bundle(
        tmp_path / "old",
        info=model(x, y),
        target=TargetInfo("python3.11", "x86_64"),
        checks=(CheckEntry("imports", "passed", "everything can be imported"),),
    )
    new = bundle(
        tmp_path / "new",
        info=model({**x, "type": "float"}, sha="b"),
        target=TargetInfo("python3.12", "x86_64"),
        checks=(CheckEntry("imports", "failed", "no module named x"),),
    )
    done = run("diff", old.folder, new.folder, "--exit-code")
    assert done.exit_code == 1
    said = " ".join(done.stdout.split())
    for text in (
        "target.runtime python3.11 -> python3.12",
        "model.signature.inputs.x double -> float",
        "- model.signature.inputs.y long (optional)",
        "model.skops aaaaaaaaaaaa -> bbbbbbbbbbbb",
        "imports passed: everything can be imported -> failed: no module named x",
    ):
        assert text in said


def test_no_difference_in_the_manifest_goes_unseen(tmp_path: Path) -> None:
    old = bundle(tmp_path / "old")
    new = bundle(tmp_path / "new", packager_version="9")
    document = json.loads(run("diff", old.folder, new.folder, "--json").stdout)
    assert document["facts"] == [{"name": "packager_version", "before": "0", "after": "9"}]
    assert [change["name"] for change in document["artifacts"]] == [SBOM_NAME]


def test_a_missing_sbom_moves_no_file_to_another_package(tmp_path: Path) -> None:
    old, new = bundle(tmp_path / "old"), bundle(tmp_path / "new", has_sbom=False)
    document = json.loads(run("diff", old.folder, new.folder, "--json").stdout)
    assert document["package_sizes"] == document["files"] == []


@pytest.mark.parametrize("is_first", [True, False])
def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path, is_first: bool) -> None:
    good = bundle(tmp_path / "good").folder
    (tmp_path / "bad").mkdir()
    pair = (tmp_path / "bad", good) if is_first else (good, tmp_path / "bad")
    done = run("diff", *pair)
    assert done.exit_code == 1
    assert "no bundle.json in" in done.stderr


def test_a_damaged_sbom_is_refused(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "x", beside={SBOM_NAME: '{"components": [1]}'}).folder
    done = run("inspect", folder)
    assert done.exit_code == 1
    assert "no SBOM that packager wrote" in done.stderr


def test_inspect_lists_licences_and_what_each_package_weighs(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "x").folder
    size = sum(len(name * 10 + "2.0") for name in NUMPY)
    lines = run("inspect", folder).stdout.splitlines()
    assert any(
        line.split() == ["packages", "numpy==2.0", str(size), "B", "BSD-3-Clause"] for line in lines
    )
    assert any(line.split() == ["six==1.17", "100", "B", "MIT"] for line in lines)
    packages = json.loads(run("inspect", folder, "--json").stdout)["packages"]
    assert packages[1] == {
        "name": "six",
        "version": "1.17",
        "license": "MIT",
        "unzipped_bytes": 100,
        "zipped_bytes": 100,
        "installed_bytes": 90,
    }


def test_every_file_belongs_to_one_package(tmp_path: Path) -> None:
    contents = read_contents(bundle(tmp_path / "x"))
    owners = {file.path: file.package for file in contents.files}
    assert owners["six.pyc"] == "six"
    assert owners["numpy.libs/libblas.so"] == "numpy"
    assert owners["handler/main.py"] == "handler"
    assert contents.unzipped_bytes == sum(file.unzipped_bytes for file in contents.files)
