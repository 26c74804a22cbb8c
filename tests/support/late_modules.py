"""Modules whose imports wait, compiled and run in a real interpreter."""

import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from packager.aws.runtimes import find_target
from packager.packages.bytecode import compile_bytecode

HERE = find_target("python" + ".".join(platform.python_version_tuple()[:2]), "x86_64")

# The libraries whose imports wait are known by name, so these modules take scipy's.
HEAVY = """\
VALUE = 42
class Base:
    pass
class Error(Exception):
    pass
def double(x):
    return 2 * x
def decorate(function):
    return function
"""

Run = Callable[..., list[str]]


def runner(tmp_path: Path) -> Run:
    """Return a function that compiles modules (their names to texts) and runs code with them."""

    def run(code: str, *, ahead: str = "", keep_sources: bool = False, **modules: str) -> list[str]:
        texts = {"scipy.__init__": "", "scipy.heavy": HEAVY} | {
            name.replace("__init", ".__init__").replace("_dot_", ".").replace("..", "."): text
            for name, text in modules.items()
        }
        for name, text in texts.items():
            path = tmp_path / "tree" / f"{name.replace('.', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        tree = tmp_path / "tree"
        assert compile_bytecode(tree, HERE, defers=True, keep_sources=keep_sources)
        done = subprocess.run(
            [sys.executable, "-S", "-c", f"{ahead}\nimport sys\n{LOADED}\n{code}"],
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


LOADED = """
def loaded(name):
    return f"scipy.{name}" in sys.modules
"""
