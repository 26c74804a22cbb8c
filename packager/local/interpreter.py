"""What of the machine a Python interpreter consists of: programs, standard library, libraries."""

import json
import os
import subprocess
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from packager.errors import ToolFailed
from packager.support.cache import build_once, cache_key, cache_root

_REPORT = "interpreter.json"
# Loads the libraries that it is given by name, and all extension modules of the standard library,
# and says what was loaded by that. Not tkinter, which Lambda lacks, nor what tests the interpreter.
_PROBE = """
import ctypes, importlib, json, os, sys

for name in sys.argv[1:]:
    try:
        ctypes.CDLL(name)
    except OSError:
        pass
folders = [path for path in sys.path if os.path.isdir(path)]
extensions = [path for path in folders if os.path.basename(path) == "lib-dynload"]
for name in sorted(name for path in extensions for name in os.listdir(path)):
    if not name.startswith(("_tkinter", "_test", "_ctypes_test", "xx", "_xx")):
        try:
            importlib.import_module(name.partition(".")[0])
        except Exception:
            pass
with open("/proc/self/maps") as file:
    loaded = {line.split(None, 5)[5].strip() for line in file if ".so" in line}
print(json.dumps({
    "prefix": sys.base_prefix,
    "folders": folders,
    "programs": [getattr(sys, "_base_executable", sys.executable)],
    "libraries": sorted(path for path in loaded if not path.startswith(tuple(folders))),
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """The parts of an interpreter; paths are as it uses them, links unresolved."""

    prefix: str
    """Where it is installed: `/usr` for a system's own."""
    folders: tuple[str, ...]
    """The standard library's."""
    programs: tuple[str, ...]
    """All names under which an environment finds the executable."""
    libraries: dict[str, tuple[str, ...]]
    """Shared libraries that it and its extension modules load: file, and the names it is found
    under."""

    @property
    def program_mounts(self) -> list[tuple[str, str, bool]]:
        """The mounts by which its executables are seen where they are."""
        return [(str(Path(path).resolve()), path, False) for path in self.programs]


def find_interpreter(python: Path, *, libraries: Collection[str] = ()) -> Interpreter:
    """Return the parts of the interpreter behind an environment's Python; asked once, then kept.

    :param python: an environment's, or an interpreter itself.
    :param libraries: names of the machine's libraries to find besides, where it has them.
    :raises ToolFailed: it does not run.
    :raises ConfigError: the cache cannot be written.
    """
    facts = [str(python), str(python.resolve()), python.stat().st_mtime_ns, sorted(libraries)]
    folder = cache_root() / "interpreters" / cache_key([_PROBE, facts])

    def build(partial: Path) -> None:
        found = _ask(python, sorted(libraries))
        (partial / _REPORT).write_text(json.dumps(asdict(found)), encoding="utf-8")

    return _read(build_once(folder, build, is_usable=_is_usable))


def _ask(python: Path, libraries: list[str]) -> Interpreter:
    argv = [str(python), "-I", "-S", "-c", _PROBE, *libraries]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolFailed(argv, done.returncode, done.stderr)
    said = json.loads(done.stdout)
    programs = dict.fromkeys((*_links(python), *said["programs"]))
    return Interpreter(
        prefix=said["prefix"],
        folders=tuple(said["folders"]),
        programs=tuple(programs),
        libraries={path: _names(Path(path)) for path in said["libraries"]},
    )


def _links(path: Path) -> list[str]:
    """Return the paths that the link leads over, the last one being the file."""
    paths = []
    while path.is_symlink():
        # As text: a folder on the way may be a link, and is to be found under its name.
        path = Path(os.path.normpath(path.parent / path.readlink()))
        paths.append(str(path))
    return paths


def _names(library: Path) -> tuple[str, ...]:
    """Return the names, of links as well, under which the loader finds the library."""
    stem = library.name.partition(".so")[0]
    return tuple(
        sorted(
            path.name
            for path in library.parent.glob("*.so*")
            if path.name.startswith(stem.partition("-")[0]) and path.samefile(library)
        )
    )


def _read(folder: Path) -> Interpreter:
    said = json.loads((folder / _REPORT).read_bytes())
    return Interpreter(
        said["prefix"],
        tuple(said["folders"]),
        tuple(said["programs"]),
        {path: tuple(names) for path, names in said["libraries"].items()},
    )


def _is_usable(folder: Path) -> bool:
    try:
        found = _read(folder)
    except (OSError, ValueError, LookupError):
        return False
    return all(Path(path).exists() for path in (*found.programs, *found.libraries))
