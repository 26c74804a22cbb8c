"""Compile the staging dir to bytecode, for the target's own Python.

/var/task is read-only, so Lambda can never cache what it compiles: without bytecode in the
zip every cold start compiles everything again, three times the CPU of the imports.
"""

import shutil
import subprocess
from pathlib import Path

from packager.aws.runtimes import Target
from packager.errors import ToolFailed
from packager.packages.deferral import libraries
from packager.packages.deferral.modules import RUNTIME
from packager.support.interpreters import find_python

TASK_ROOT = "/var/task"
"""Where Lambda unpacks the zip; tracebacks name files below it."""
_DEFERRAL = Path(libraries.__file__).parent


def compile_bytecode(
    folder: Path,
    target: Target,
    *,
    task_folder: str = TASK_ROOT,
    keep_sources: bool = False,
    defers: bool = False,
) -> bool:
    """Compile every module below `folder` and return whether that could be done.

    Bytecode is marked "unchecked" (PEP 552): the import system neither stats nor hashes
    the source. It takes the source's place (`module.pyc` instead of `module.py`), because
    with both most models pass Lambda's 250 MiB.

    :param task_folder: where the folder will be on Lambda.
    :param keep_sources: leave the `.py` there and put the bytecode into `__pycache__`. A
        package that looks for its modules as `*.py` files keeps them always, and a module that
        another one beside it names as a file (prophet's `__version__.py`) stays too, as does one
        that no import could name (OpenCV's `config-3.py`).
    :param defers: compile the libraries of `deferral.libraries` so that they import what they
        need when they first use it. They then need the module `_deferred_imports`, which is
        put into the folder.
    :returns: False when the target's Python is not on this machine; nothing is changed then.
    :raises ToolFailed: the compiler itself failed. Modules that are not valid Python (some
        libraries ship templates) stay as they are.
    """
    python = find_python(target.runtime.python)
    if python is None:
        return False
    has_deferred = defers and any((folder / item.name).is_dir() for item in libraries.LIBRARIES)
    if has_deferred:
        shutil.copyfile(_DEFERRAL / "runtime.py", folder / f"{RUNTIME}.py")
    argv = [str(python), "-B", "-P", "-s", "-S", "-c", _COMPILE, str(folder), task_folder]
    options = ["keep" if keep_sources else "replace", str(_DEFERRAL) if has_deferred else ""]
    done = subprocess.run(
        [*argv, *options],
        # Nothing of ours but a fixed seed: what the compiler orders by hash must not differ
        # from build to build. (-I would ignore the seed too.)
        env={"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolFailed(argv[:4], done.returncode, done.stderr)
    return True


# Runs under the target's interpreter, which has nothing but its standard library. One
# process and sorted files, so that every build compiles in the same order.
_COMPILE = r"""
import importlib.util, marshal, os, pathlib, re, sys

# Some packages find their modules by the sources' names: glob("*.py"), name.endswith(".py").
LOOKS_FOR_SOURCES = re.compile(
    rb"[\"'][^\"'\n]*\*\.py[\"']|\.endswith\(\s*[\"']\.py[\"']\s*\)"
)
# Others read one that lies beside them: open(here / "__version__.py").
NAMES_A_SOURCE = re.compile(rb"[\"']([^\"'\s]+\.py)[\"']")
# Its name may be filled in: "config-{}.py".format(version).
FILLED_IN = re.compile(r"\{[^}]*\}|%[sd]")
# PEP 552: hash-based, and not to be checked against the source.
UNCHECKED = importlib.util.MAGIC_NUMBER + (0b01).to_bytes(4, "little")

folder, task_folder, mode, deferral = pathlib.Path(sys.argv[1]), *sys.argv[2:]
tree = None
if deferral:
    # By its path: among packager's modules there are names of the standard library's.
    spec = importlib.util.spec_from_file_location(
        "deferral", f"{deferral}/__init__.py", submodule_search_locations=[deferral]
    )
    sys.modules["deferral"] = importlib.util.module_from_spec(spec)
    from deferral.tree import Tree
    tree = Tree(folder)

sources = sorted(folder.rglob("*.py"))
kept = set()
for source in sources:
    text = source.read_bytes()
    if LOOKS_FOR_SOURCES.search(text):
        kept.add(source.parent)
    for name in map(os.fsdecode, NAMES_A_SOURCE.findall(text)):
        if FILLED_IN.search(name):
            kept.update(source.parent.glob(FILLED_IN.sub("*", name).lstrip("/")))
        else:
            kept.add(source.parent / name)
    if not source.stem.isidentifier():
        kept.add(source)  # no import finds it: whatever reads it reads the file
replaced = []
for source in sources:
    text = source.read_bytes()
    try:
        code = compile(
            tree and tree.rewrite(source) or text,
            f"{task_folder}/{source.relative_to(folder).as_posix()}",
            "exec",
            dont_inherit=True,
        )
    except (SyntaxError, ValueError):
        continue
    if mode == "keep" or not kept.isdisjoint((source, source.parent)):
        compiled = pathlib.Path(importlib.util.cache_from_source(str(source)))
        compiled.parent.mkdir(exist_ok=True)
    else:
        compiled = source.with_suffix(".pyc")
        replaced.append(source)
    compiled.write_bytes(UNCHECKED + importlib.util.source_hash(text) + marshal.dumps(code))
# Only now: rewriting one module may read others.
for source in replaced:
    source.unlink()
"""
