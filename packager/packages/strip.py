"""Take symbols that only debuggers read out of shared libraries, with binutils' `strip`."""

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packager.aws.runtimes import Target, host_architecture
from packager.packages.elf import is_loadable

_WORKERS = 4
_SHARED_LIBRARY = re.compile(r"\.so(\.[\d.]+)?$")


def strip_version(target: Target) -> str | None:
    """Return what `strip` calls itself; None where there is none for the target's libraries."""
    program = shutil.which("strip")
    # binutils knows its own machine only, unless it was built for all.
    if program is None or host_architecture() != target.architecture:
        return None
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    first = done.stdout.partition("\n")[0]
    # LLVM's says "compatible with GNU strip", and takes other options.
    return first if done.returncode == 0 and first.startswith("GNU strip") else None


def strip_libraries(staging: Path) -> int:
    """Strip every shared library below `staging` in place and return the bytes saved.

    A library that `strip` refuses, or of which it makes what a loader would refuse (it can
    happen to those that auditwheel has patched), stays as it is.
    """
    libraries = [path for path in sorted(staging.rglob("*")) if _is_library(path)]
    with ThreadPoolExecutor(_WORKERS) as pool:
        return sum(pool.map(_strip, libraries))


def _is_library(path: Path) -> bool:
    return bool(_SHARED_LIBRARY.search(path.name)) and path.is_file() and not path.is_symlink()


def _strip(library: Path) -> int:
    draft = library.with_name(f"{library.name}.stripped")
    argv = ["strip", "--strip-unneeded", "-o", str(draft), str(library)]
    done = subprocess.run(argv, capture_output=True, check=False)
    before_bytes = library.stat().st_size
    try:
        if done.returncode or not is_loadable(draft.read_bytes()):
            return 0
        saved_bytes = before_bytes - draft.stat().st_size
        if saved_bytes <= 0:
            return 0
        draft.chmod(library.stat().st_mode)
        draft.replace(library)
        return saved_bytes
    finally:
        draft.unlink(missing_ok=True)
