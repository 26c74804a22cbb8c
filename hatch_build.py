"""Builds `handler/engines/trees.c` for the processors that Lambda has.

Hatch runs it for wheels and editable installs; `python hatch_build.py` does the same by hand.
Zig's C compiler makes Linux libraries on any machine. They call nothing, not even libc.

The wheel is `py3-none-any` although it has compiled libraries: both are for where a bundle runs,
and the same whichever machine installs it. Where none fits this one numpy takes their place.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_ENGINES = Path(__file__).parent / "handler" / "engines"
# The oldest libc that Lambda's runtimes have is 2.26; these libraries use none of it.
_TARGETS = {"x86_64": "x86_64-linux-gnu.2.17", "arm64": "aarch64-linux-gnu.2.17"}
_FLAGS = (
    *("-O3", "-shared", "-fPIC", "-nostdlib", "-ffreestanding", "-fvisibility=hidden", "-s"),
    # A fused multiply-add rounds once where the models' libraries round twice.
    "-ffp-contract=off",
    *("-Wall", "-Wextra", "-Werror"),
)


class NativeBuildHook(BuildHookInterface[Any]):
    """Makes the libraries before Hatch gathers the wheel's files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is not up to date, and put it into the wheel, which git ignores."""
        build_data["artifacts"] += [f"handler/engines/native/{path.name}" for path in build()]


def build() -> list[Path]:
    """Return the libraries, built anew where the source or this file is newer.

    :raises SystemExit: Zig cannot be run here.
    """
    source = _ENGINES / "trees.c"
    newest = max(source.stat().st_mtime, Path(__file__).stat().st_mtime)
    made = []
    for architecture, target in _TARGETS.items():
        library = _ENGINES / "native" / f"trees-{architecture}.so"
        if not library.exists() or library.stat().st_mtime < newest:
            library.parent.mkdir(exist_ok=True)
            _compile(source, library, target)
        made.append(library)
    return made


def _compile(source: Path, library: Path, target: str) -> None:
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *_FLAGS]
    partial = library.with_suffix(".partial")
    done = subprocess.run(
        [*command, "-o", str(partial), str(source)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(
            f"{library.name} cannot be built: {done.stderr.strip()}\n"
            "It needs the package ziglang, which has wheels for Linux, macOS and Windows on"
            " x86-64 and arm64."
        )
    partial.replace(library)


if __name__ == "__main__":
    build()
