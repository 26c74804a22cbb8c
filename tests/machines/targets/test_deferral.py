"""The libraries whose imports are deferred, all of them, beside the same libraries as they are."""

import json
import os
import re
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from packager.aws.runtimes import find_target, host_architecture
from packager.local.emulator import runtime_python
from packager.lock.resolve import Question, UvResolver
from packager.packages.prepare import Packing, prepare_dependencies
from packager.requirements.select import HANDLER_REQUIREMENTS
from tests.machines.targets import deferred
from tests.support.commands import THIS_PYTHON

pytestmark = [pytest.mark.targets, pytest.mark.xdist_group("deferral")]

LIBRARIES = ("scikit-learn", "skops", "scipy", "xgboost-cpu", "lightgbm", "onnxruntime")
# What differs from process to process, or is a file's path.
PASSING = re.compile(r"joblib-\d+-\w+|builtins\.int \d{12,}|builtins\.str '/.*'")
# Documentation that is not written (`libraries.SHORTCUTS`).
UNWRITTEN = re.compile(r"scipy\._lib\._array_api\.xp_capabilities\.<locals>\.\S+")

ACCIDENTS = {
    # The last of a set, in a loop of the module's body.
    ("scipy.sparse._data", "name"),
    ("scipy.sparse._data", "npfunc"),
    # Star imports of packages bring what happens to be imported of them by then.
    ("scipy._lib._array_api_compat_vendor", "numpy"),
    ("sklearn.externals._array_api_compat_vendor", "numpy"),
}


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The libraries as they are, and with their imports deferred."""
    return make_trees(tmp_path_factory.mktemp("deferral"), LIBRARIES)


def make_trees(folder: Path, libraries: tuple[str, ...]) -> tuple[Path, Path]:
    target = find_target(f"python{THIS_PYTHON}", host_architecture() or "x86_64")
    question = Question((*libraries, *HANDLER_REQUIREMENTS), target, excluded=("prettytable",))
    lock = UvResolver().resolve(question)
    for name, packing in (("plain", Packing(is_deferred=False)), ("deferred", Packing())):
        with zipfile.ZipFile(prepare_dependencies(lock, target, packing).archive) as archive:
            archive.extractall(folder / name)
    return folder / "plain", folder / "deferred"


def look(what: str, tree: Path, *rest: Path) -> Any:
    output = tree.with_name(f"{tree.name}.{what}.json")
    done = subprocess.run(
        [str(runtime_python(THIS_PYTHON)), deferred.__file__, what, tree, output, *rest],
        env=os.environ
        | {
            "LD_LIBRARY_PATH": f"{tree}:{tree}/lib",
            "MPLBACKEND": "agg",
            "PYTHONHASHSEED": "0",
            "OMP_NUM_THREADS": "1",
        },
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(output.read_bytes())


def differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for module, names in before.items():
        if names[""].startswith("module"):  # some modules want libraries that are not there
            for name, meaning in names.items():
                found = after[module].get(name, "")
                meanings = {UNWRITTEN.sub("", PASSING.sub("", text)) for text in (meaning, found)}
                if len(meanings) > 1 and (module, name) not in ACCIDENTS:
                    yield module, name, meaning, found


@pytest.mark.parametrize("order", ["forward", "backward"])
def test_every_name_of_every_module_stands_for_what_it_did(
    trees: tuple[Path, Path], order: str
) -> None:
    plain, changed = trees
    before = look(order, plain)
    after = look(order, changed, plain.with_name(f"plain.{order}.json"))

    assert len(before["names"]) > 1000
    assert not before["deferred"]
    assert sum(after["deferred"].values()) > 5000
    assert list(differences(before["names"], after["names"])) == []


def test_every_module_can_be_the_first_that_is_imported(trees: tuple[Path, Path]) -> None:
    before, after = (look("alone", tree) for tree in trees)

    failed = {
        name: outcome
        for name, outcome in after.items()
        if "Error: " in outcome and "Error: " not in before[name]
    }
    assert failed == {}


def test_every_estimator_predicts_the_same_bits(trees: tuple[Path, Path], tmp_path: Path) -> None:
    fitted = look("fit", trees[0], tmp_path)

    before, after = (look("predictions", tree, tmp_path) for tree in trees)

    assert len(fitted) > 15
    assert {name.partition(".")[0] for name in before} == set(fitted)
    assert before == after
