"""Trimming, stripping and compiling take away no module that could be imported before."""

import json
import os
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from packager.aws.runtimes import find_target, host_architecture
from packager.local.emulator import runtime_python
from packager.lock.resolve import Question, UvResolver
from packager.packages.install import install_lock
from packager.packages.prepare import Packing, prepare_dependencies
from packager.requirements.select import HANDLER_REQUIREMENTS
from tests.support.commands import THIS_PYTHON

pytestmark = pytest.mark.targets

LIBRARIES = ("scikit-learn", "skops", "scipy", "xgboost-cpu", "lightgbm", "onnxruntime")
# What the trimming rules name, and what runs when it is imported.
NOT_MEANT = (
    *("tests", "test", "conftest", "__main__", "setup"),
    *("_precompute", "_build_utils", "data", "descr", "images"),
)

# One process for each tree, since a module may lean on another that was imported before it.
IMPORT_ALL = """
import contextlib, importlib, io, json, os, pkgutil, sys, warnings
warnings.simplefilter("ignore")
root = sys.argv[1]
sys.path.insert(0, root)
results = {}
def walk(folder, prefix):
    for module in pkgutil.iter_modules([folder]):
        if module.name in NOT_MEANT:
            continue
        name = prefix + module.name
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                importlib.import_module(name)
            results[name] = "imported"
        except BaseException as error:
            results[name] = f"{type(error).__name__}: {error}".replace(root, "ROOT")
        if module.ispkg:
            walk(os.path.join(folder, module.name), name + ".")
walk(root, "")
sys.__stdout__.write(json.dumps(results))
""".replace("NOT_MEANT", repr(NOT_MEANT))


def import_all(tree: Path, python: Path) -> Mapping[str, str]:
    done = subprocess.run(
        [str(python), "-c", IMPORT_ALL, str(tree)],
        env=os.environ | {"LD_LIBRARY_PATH": f"{tree}:{tree}/lib", "MPLBACKEND": "agg"},
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_module_that_the_wheels_have_can_still_be_imported(tmp_path: Path) -> None:
    target = find_target(f"python{THIS_PYTHON}", host_architecture() or "x86_64")
    lock = UvResolver().resolve(
        Question((*LIBRARIES, *HANDLER_REQUIREMENTS), target, excluded=("prettytable",))
    )
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.mkdir()
    install_lock(lock, target, plain)
    with zipfile.ZipFile(prepare_dependencies(lock, target, Packing()).archive) as archive:
        archive.extractall(packed)

    python = runtime_python(THIS_PYTHON)
    before, after = import_all(plain, python), import_all(packed, python)

    worked = {name for name, result in before.items() if result == "imported"}
    assert len(worked) > 1500
    assert {name: after.get(name) for name in worked if after.get(name) != "imported"} == {}
