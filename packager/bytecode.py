"""Compile the staging dir to bytecode, for the target's own Python.

/var/task is read-only, so Lambda can never cache what it compiles: without bytecode in the
zip every cold start compiles everything again, three times the CPU of the imports.
"""

import subprocess
from pathlib import Path

from packager.errors import ToolFailed
from packager.targets import Target
from packager.uv import find_python

TASK_ROOT = "/var/task"
"""Where Lambda unpacks the zip; tracebacks name files below it."""


def compile_bytecode(
    folder: Path, target: Target, *, task_folder: str = TASK_ROOT, keep_sources: bool = False
) -> bool:
    """Compile every module below `folder` and return whether that could be done.

    Bytecode is marked "unchecked" (PEP 552): the import system neither stats nor hashes
    the source. It takes the source's place (`module.pyc` instead of `module.py`), because
    with both most models pass Lambda's 250 MiB.

    :param task_folder: where the folder will be on Lambda.
    :param keep_sources: leave the `.py` there and put the bytecode into `__pycache__`. A
        package that looks for its modules as `*.py` files keeps them always.
    :returns: False when the target's Python is not on this machine; nothing is changed then.
    :raises ToolFailed: the compiler itself failed. Modules that are not valid Python (some
        libraries ship templates) stay as they are.
    """
    python = find_python(target.runtime.python)
    if python is None:
        return False
    argv = [str(python), "-P", "-s", "-S", "-c", _COMPILE, str(folder), task_folder]
    done = subprocess.run(
        [*argv, "keep" if keep_sources else "replace"],
        # Nothing of ours but a fixed seed: what the compiler orders by hash must not differ
        # from build to build. (-I would ignore the seed too.)
        env={"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolFailed(argv[:3], done.returncode, done.stderr)
    return True


# Runs under the target's interpreter, which has nothing but its standard library. One
# process and sorted files, so that every build compiles in the same order.
_COMPILE = r"""
import importlib.util, pathlib, py_compile, re, sys

# Some packages find their modules by the sources' names: glob("*.py"), name.endswith(".py").
LOOKS_FOR_SOURCES = re.compile(
    rb"[\"'][^\"'\n]*\*\.py[\"']|\.endswith\(\s*[\"']\.py[\"']\s*\)"
)

folder, task_folder, mode = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
sources = sorted(folder.rglob("*.py"))
kept = {source.parent for source in sources if LOOKS_FOR_SOURCES.search(source.read_bytes())}
for source in sources:
    keeps = mode == "keep" or source.parent in kept
    cached = importlib.util.cache_from_source(str(source))
    try:
        py_compile.compile(
            str(source),
            cfile=cached if keeps else str(source.with_suffix(".pyc")),
            dfile=f"{task_folder}/{source.relative_to(folder).as_posix()}",
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except (py_compile.PyCompileError, UnicodeError):
        continue
    if not keeps:
        source.unlink()
"""
