"""The imports of an init, as `python -X importtime` tells them."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cold.runs import Ground, function_variables, private_folder
from benchmarks.cold.variants import Variant
from benchmarks.cold.work import BenchError
from packager.local import process

_LINE = re.compile(r"^import time:\s+(\d+) \|\s+(\d+) \|( +)(\S+)$", re.M)
_INDENT = 2
"""Blanks for each level of importtime's tree."""


@dataclass(frozen=True)
class Import:
    """One module of an init."""

    name: str
    depth: int
    """0: imported by the entry itself."""
    start_ms: float
    """Since the first import, counting time spent in imports alone."""
    duration_ms: float
    """With all that it imported itself."""


def trace_imports(variant: Variant, ground: Ground) -> list[Import]:
    """Import the function's entry in its own environment and return all imports, by start.

    :raises BenchError: it cannot be imported.
    """
    module = variant.handler.rpartition(".")[0]
    with private_folder() as folder:
        done = subprocess.run(
            [*process.confinement(), *_argv(ground.python, module)],
            cwd=variant.task_root,
            env=function_variables(variant, ground, folder),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise BenchError(f"{variant.title} cannot be imported:\n{done.stderr[-2000:]}")
    return parse(done.stderr.rpartition("---\n")[2])


def parse(text: str) -> list[Import]:
    """Read importtime's lines: a module comes after those that it imported."""
    imports, until_us = [], 0
    for self_us, whole_us, indent, name in _LINE.findall(text):
        until_us += int(self_us)
        depth = (len(indent) - 1) // _INDENT
        duration_us = int(whole_us)
        imports.append(Import(name, depth, (until_us - duration_us) / 1e3, duration_us / 1e3))
    return sorted(imports, key=lambda item: (item.start_ms, item.depth))


def largest(imports: Sequence[Import], count: int, share: float = 0.02) -> list[Import]:
    """Return the imports that took most, at most this many, in order of their start.

    :param share: of the whole time; shorter ones are left out.
    """
    whole_ms = max((item.start_ms + item.duration_ms for item in imports), default=0.0)
    long = [item for item in imports if item.duration_ms >= share * whole_ms]
    kept = sorted(long, key=lambda item: -item.duration_ms)[:count]
    return sorted(kept, key=lambda item: (item.start_ms, item.depth))


def _argv(python: Path, module: str) -> list[str]:
    # The runtime's own modules first, as on Lambda: they are none of the handler's.
    code = f"import awslambdaric.bootstrap, sys; sys.stderr.write('---\\n'); import {module}"
    return [str(python), "-X", "importtime", "-c", code]
