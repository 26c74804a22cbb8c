"""Bundles, built by the command that users type."""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cold.folders import unpack
from benchmarks.cold.work import WORK, run, say
from packager.lock.pylock import read_lock


@dataclass(frozen=True)
class Built:
    """A bundle, and its zip unpacked read-only."""

    output: Path
    task_root: Path

    @property
    def function_zip(self) -> Path:
        return self.output / "function.zip"

    @property
    def model_zip(self) -> Path:
        return self.output / "model.zip"

    @property
    def pins(self) -> list[str]:
        """`name==version` lines of what is in the zip."""
        return read_lock(self.output / "pylock.toml").pins.split()


def build(name: str, model: Path, *options: str) -> Built:
    """Run `packager build` and unpack what it made.

    Without the build's own check: what is measured here has to start and predict anyway.

    :raises BenchError: the build failed.
    """
    output = WORK / "bundles" / name
    say(f"packager build {' '.join(options)}: {name}")
    argv = [sys.executable, "-m", "packager", "-q", "build", str(model), "-o", str(output)]
    run([*argv, "--no-check", *options])
    return Built(output, unpack(output / "function.zip", WORK / "tasks" / name))


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
