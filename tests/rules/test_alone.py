"""What runs in another environment than ours imports nothing that is not there."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.commands import ROOT

IMPORT_ALL = """
import importlib, json, pkgutil, sys

folder, package, absent = sys.argv[1:]
sys.path.insert(0, folder)
if absent:
    sys.modules[absent] = None  # to import it is an ImportError
for module in pkgutil.iter_modules([f"{folder}/{package}"], f"{package}."):
    importlib.import_module(module.name)
files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items() if module}
print(json.dumps(files))
"""


def imported_files(folder: Path, package: str, *options: str, absent: str = "") -> dict[str, str]:
    """Import every module of the package there, and return the files of all that came."""
    done = subprocess.run(
        [sys.executable, "-B", "-I", *options, "-c", IMPORT_ALL, folder, package, absent],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    files: dict[str, str] = json.loads(done.stdout)
    return files


def copy(source: Path, destination: Path) -> set[str]:
    """Copy the package and return the names of its modules at the copy."""
    shutil.copytree(source, destination, ignore=shutil.ignore_patterns("__pycache__"))
    return {f"{destination.name}.{path.stem}" for path in destination.glob("[!_]*.py")}


def test_the_converter_needs_the_handler_alone(tmp_path: Path) -> None:
    modules = copy(ROOT / "packager" / "engine" / "converter", tmp_path / "converter")
    copy(ROOT / "handler", tmp_path / "handler")
    files = imported_files(tmp_path, "converter", absent="packager")
    assert modules <= set(files)
    assert Path(files["handler"]).parent == tmp_path / "handler"


def test_deferral_needs_the_standard_library_alone(tmp_path: Path) -> None:
    modules = copy(ROOT / "packager" / "packages" / "deferral", tmp_path / "deferral")
    files = imported_files(tmp_path, "deferral", "-S")  # no site-packages, so nothing of ours
    assert modules <= set(files)
    assert "packager" not in files
