"""Check that what the handler and the model import is in the bundle, and what that imports.

It is read from the zips, so that it is known where the function cannot run too. `walk` follows
the imports, in an interpreter of the target's version where there is one.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from handler.facts_for_builder import CODE, NAMES
from handler.manifest import MODEL_FOLDER
from packager.aws.runtimes import RUNTIME_PACKAGES, Runtime
from packager.bundle.folder import Bundle
from packager.checking import walk
from packager.checking.missing import problem_of_module
from packager.checking.report import Check
from packager.checking.running import PREDICTION
from packager.model.mlmodel import ModelSpec
from packager.model.named_modules import NamedModules, read_named_modules
from packager.packages.layer import PACKAGES_FOLDER
from packager.requirements.select import Drop
from packager.support.interpreters import find_python
from packager.support.malformed import ZIP_ERRORS

IMPORTS = "imports"
_WALK = Path(walk.__file__).parent
_RUN = """
import importlib.util, sys
# By its path: beside it there are names of the standard library's, or may be.
spec = importlib.util.spec_from_file_location(
    "walk", f"{sys.argv[1]}/__init__.py", submodule_search_locations=[sys.argv[1]]
)
sys.modules["walk"] = importlib.util.module_from_spec(spec)
from walk.follow import main
main()
"""
_FUNCTION = "the function"
_HANDLER, _PROGRAM, _LOADERS = "handler.main", "handler.engines.program", "handler.loaders"
_READERS = {"skops": "skops.io", "joblib": "joblib", "cloudpickle": "cloudpickle"}
"""What reads a format, by the format's name."""
# The others' modules are called as they are.
_RUNTIME_MODULES = {"python-dateutil": "dateutil"}

_REMOVED: dict[tuple[int, int], tuple[str, ...]] = {
    (3, 12): ("asynchat", "asyncore", "distutils", "imp", "smtpd"),
    (3, 13): (
        *("aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap"),
        *("msilib", "nis", "nntplib", "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau"),
        *("telnetlib", "uu", "xdrlib"),
    ),
}
"""Of the standard library, by the Python that has them no more ("What's New In Python")."""
_ADDED: dict[tuple[int, int], tuple[str, ...]] = {(3, 14): ("annotationlib", "compression")}
"""Modules of the standard library, by the first Python that has them."""


def check_imports(bundle: Bundle, runtime: Runtime, dropped: Sequence[Drop] = ()) -> Check:
    """Check that every module that will be imported is in the bundle or on Lambda.

    Imports under a condition, in a `try` or in a function are not looked at: they may fail.

    :param dropped: requirements of the model that the bundle leaves out.
    """
    python = find_python(runtime.python)
    question: dict[str, list[Any]] = {
        "places": list(_places(bundle)),
        "roots": list(_roots(bundle)),
        "elsewhere": [*_runtime_modules(), *NAMES],
        "not_standard": [],
        "scripts": list(_scripts(bundle)),
    }
    if python is None:
        question["elsewhere"] += _names(_ADDED, runtime)
        question["not_standard"] = _names(_REMOVED, runtime)
    done = subprocess.run(
        [str(python or sys.executable), "-I", "-B", "-S", "-c", _RUN, str(_WALK)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.splitlines() or [f"exit status {done.returncode}"]
        return Check.not_made(IMPORTS, f"the bundle's modules cannot be read: {lines[-1]}")
    return _judge(json.loads(done.stdout), bundle, runtime, dropped)


def settle_imports(check: Check, made: Sequence[Check]) -> Check:
    """Return the check, passed where the function did without what it missed.

    Modules may be made while others are imported: what predicts here lacks none.

    :param check: any; others are returned as they are.
    :param made: the checks that ran the function.
    """
    predicts = any(item.entry.name == PREDICTION and item.entry.status == "passed" for item in made)
    if check.entry.name != IMPORTS or not check.problems or not predicts:
        return check
    return Check.passed(IMPORTS, f"the function predicts, though {check.entry.detail}")


def _judge(
    answer: dict[str, Any], bundle: Bundle, runtime: Runtime, dropped: Sequence[Drop]
) -> Check:
    users = answer["users"]
    problems = [
        problem_of_module(module, bundle, dropped, _why(who, users))
        for module, who in sorted(answer["missing"].items())
    ]
    unread = answer["unread"]
    if unread and not problems:
        return Check.not_made(
            IMPORTS,
            f"{len(unread)} of {len(users)} modules, as {unread[0]}, can be read by Python"
            f" {runtime.python} alone, which is not here: `uv python install {runtime.python}`"
            " gets it",
        )
    detail = f"{len(users)} modules that are imported in turn are there, or are Lambda's own"
    return Check.of(IMPORTS, problems, detail)


def _why(who: str, users: dict[str, str]) -> str:
    """Return who imports a module, and why that is imported itself."""
    if who not in users:
        return f"{who} names it"
    first, root = who, users[who]
    while root in users:
        first, root = root, users[root]
    if root == _FUNCTION:
        return f"{who} imports it, which the function needs"
    through = "" if first == who else f", through {first}"
    return f"{who} imports it, which {root} needs{through}"


def _places(bundle: Bundle) -> Iterator[tuple[str, str, str]]:
    """Yield what is on `sys.path`: a zip, the zip in it if it is meant, and the folder there."""
    info = bundle.manifest.model
    function, layer = str(bundle.function_zip), bundle.layer_zip
    zip_path, root = _model_place(bundle)
    if info.code_path is not None:
        yield zip_path, "", f"{root}{info.code_path}/"
    yield function, "", ""
    for entry in bundle.manifest.packed:
        inner = f"{PACKAGES_FOLDER}/{entry.archive}" if layer else entry.archive
        yield str(layer or function), inner, ""
    if layer:
        yield str(layer), "", f"{PACKAGES_FOLDER}/"


def _model_place(bundle: Bundle) -> tuple[str, str]:
    """Return the zip that has the model's files, and the folder in it."""
    if bundle.model_zip:
        return str(bundle.model_zip), ""
    return str(bundle.function_zip), f"{MODEL_FOLDER}/"


def _roots(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Yield the modules that the function imports by name, each with who names it."""
    info = bundle.manifest.model
    is_compiled = info.engine.name != "exact" and info.engine.data_path is not None
    is_elsewhere = info.own_python is not None
    name = "own_python" if is_elsewhere else info.options.get("loader", info.flavor)
    loader = f"{_LOADERS}.{name}"
    with zipfile.ZipFile(bundle.function_zip) as archive:
        names = set(archive.namelist())
    for module in (_HANDLER, _PROGRAM if is_compiled else loader):
        # The handler's own files are another check's.
        if f"{module.replace('.', '/')}.py" in names:
            yield module, _FUNCTION
    if is_compiled or is_elsewhere:
        return  # what the model itself needs is nowhere, or with its own Python
    own_loader = str(info.options.get("loader_module", "mlflow"))
    if own_loader.partition(".")[0] != "mlflow":
        yield own_loader, "MLmodel"
    path = info.engine.data_path or info.data_path
    for module in info.engine.modules:
        yield module, path
    named = _named(bundle)
    yield from named.pickled.items()
    reader = _READERS.get(info.serialization_format)
    if reader and info.engine.data_path is None and (named.pickled or _is_zip(bundle, path)):
        yield reader, path
    for top, item in named.modules.items():
        if item.is_sure:
            yield top, item.by.rpartition(" imports ")[0] or item.by


def _is_zip(bundle: Bundle, path: str) -> bool:
    """Tell whether a file of the model's is a zip, as what skops writes."""
    zip_path, root = _model_place(bundle)
    try:
        with zipfile.ZipFile(zip_path) as archive, archive.open(f"{root}{path}") as file:
            return file.read(2) == b"PK"
    except ZIP_ERRORS:
        return False  # a folder, or what the check of the model's files complains of


def _named(bundle: Bundle) -> NamedModules:
    """Return what the model's own files name; nothing of files that another check misses."""
    info, target = bundle.manifest.model, bundle.manifest.target
    zip_path, root = _model_place(bundle)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            with zipfile.ZipFile(zip_path) as archive:
                for member in [entry.path for entry in info.files] or [info.data_path]:
                    path = folder / member
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(f"{root}{member}") as packed, path.open("wb") as file:
                        shutil.copyfileobj(packed, file)
        except (OSError, *ZIP_ERRORS):
            return NamedModules()
        python = target.runtime.removeprefix("python")
        return read_named_modules(ModelSpec(folder, info, python, requirements=()))


def _scripts(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Yield the model where it is Python source: the zip, and the file in it."""
    info = bundle.manifest.model
    is_code = info.serialization_format == CODE and info.own_python is None
    if is_code and PurePosixPath(info.data_path).suffix == ".py":
        zip_path, root = _model_place(bundle)
        yield zip_path, f"{root}{info.data_path}"


def _runtime_modules() -> Iterator[str]:
    for package in RUNTIME_PACKAGES:
        yield _RUNTIME_MODULES.get(package.name, package.name.replace("-", "_"))


def _names(table: dict[tuple[int, int], tuple[str, ...]], runtime: Runtime) -> list[str]:
    """Return what changed in the standard library from our own Python to the runtime's."""
    ours, theirs = sys.version_info[:2], runtime.python_version
    return [name for since, names in table.items() if ours < since <= theirs for name in names]
