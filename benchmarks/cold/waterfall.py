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
_NEARLY_ALL = 0.85
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
    """Read importtime's lines and return each module before those that it imported."""
    waiting: dict[int, list[list[Import]]] = {}
    until_us = 0
    for self_us, whole_us, indent, name in _LINE.findall(text):
        until_us += int(self_us)
        depth = (len(indent) - 1) // _INDENT
        duration_us = int(whole_us)
        found = Import(name, depth, (until_us - duration_us) / 1e3, duration_us / 1e3)
        # A module is written after what it imported, which is one level deeper.
        inner = [item for tree in waiting.pop(depth + 1, []) for item in tree]
        waiting.setdefault(depth, []).append([found, *inner])
    return [item for tree in waiting.get(0, []) for item in tree]


def largest(imports: Sequence[Import], count: int) -> list[Import]:
    """Return the imports that took most, at most this many, in their order.

    Left out are modules that do little but import one other.
    """
    telling = [item for place, item in enumerate(imports) if not _is_wrapper(imports, place)]
    kept = set(sorted(telling, key=lambda item: -item.duration_ms)[:count])
    return [item for item in imports if item in kept]


def _is_wrapper(imports: Sequence[Import], place: int) -> bool:
    whole = imports[place]
    for other in imports[place + 1 :]:
        if other.depth <= whole.depth:
            break
        if other.duration_ms > _NEARLY_ALL * whole.duration_ms:
            return whole.depth > 0
    return False


def _argv(python: Path, module: str) -> list[str]:
    # The runtime's own modules first, as on Lambda: they are none of the handler's.
    code = f"import awslambdaric.bootstrap, sys; sys.stderr.write('---\\n'); import {module}"
    return [str(python), "-X", "importtime", "-c", code]
