"""Each contract of the import linter can fail: a wrong import in a copy of the tree breaks it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import ROOT

HANDLER_LAYERS = "The handler's rooms import downwards"
BUILDER_LAYERS = "The builder's rooms import downwards"
SHIPPED = "What ships in the zip never imports what builds it"
ONLY_FACTS = "The builder knows of the handler its manifest and the module of facts"
ONLY_TALKERS = "Only the command line and MLflow's plugin talk"

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources and of what is said about their imports."""
    for package in ("packager", "handler"):
        names = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=names)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(tree: Path) -> tuple[list[str], str]:
    """Return the names of the broken contracts, and all that was printed."""
    done = subprocess.run(
        [LINT_IMPORTS, "--no-cache", "--no-logo"],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    broken = re.findall(r"^(.+) BROKEN\b", done.stdout, re.MULTILINE)
    assert done.returncode == bool(broken), done.stdout + done.stderr
    return broken, done.stdout


def test_the_tree_keeps_every_contract(tree: Path) -> None:
    broken, output = lint(tree)
    assert broken == [], output
    assert set(re.findall(r"^(.+) KEPT", output, re.MULTILINE)) == {
        *(HANDLER_LAYERS, BUILDER_LAYERS, SHIPPED, ONLY_FACTS, ONLY_TALKERS)
    }


@pytest.mark.parametrize(
    ("importer", "imported", "contract"),
    [
        ("handler.fetch.fetch", "handler.web.events", HANDLER_LAYERS),
        ("handler.engines.program", "handler.pythonmodels.model", HANDLER_LAYERS),
        ("packager.support.zips", "packager.building.plan", BUILDER_LAYERS),
        ("packager.deploying.story", "packager.cli.output", BUILDER_LAYERS),
        ("packager.mlflow_plugin.client", "packager.cli.deploy", BUILDER_LAYERS),
        ("handler.config", "yaml", SHIPPED),
        ("handler.config", "packager.errors", SHIPPED),
        ("packager.model.mlmodel", "handler.s3.object", ONLY_FACTS),
        ("packager.storage.upload", "click", ONLY_TALKERS),
        ("packager.mlflow_plugin.client", "rich", ONLY_TALKERS),
    ],
)
def test_a_wrong_import_breaks_its_contract(
    tree: Path, importer: str, imported: str, contract: str
) -> None:
    source = tree / f"{importer.replace('.', '/')}.py"
    # Within a function the linter must see it too.
    source.write_text(f"{source.read_text()}\n\ndef _wrong() -> None:\n    import {imported}\n")
    broken, output = lint(tree)
    assert broken == [contract], output
    assert re.search(rf"{re.escape(importer)} -> {re.escape(imported)} \(l\.\d+\)", output), output


@pytest.mark.parametrize(
    ("package", "contract"), [("handler", HANDLER_LAYERS), ("packager", BUILDER_LAYERS)]
)
def test_a_new_room_must_take_its_place(tree: Path, package: str, contract: str) -> None:
    room = tree / package / "attic"
    room.mkdir()
    (room / "__init__.py").write_text('"""What has no place yet."""\n')
    broken, output = lint(tree)
    assert broken == [contract], output
    assert f"not listed as layers:\n\n- {package}.attic\n" in output
