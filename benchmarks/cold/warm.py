"""Warm requests: from event to answer in the function's own environment, processes in turns."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.cold.runs import Ground, function_variables, private_folder
from benchmarks.cold.stats import Figures, summary
from benchmarks.cold.variants import Variant
from benchmarks.cold.work import BenchError, say
from packager.local import process

SIZES = (1, 100, 1000)
_CHILD = Path(__file__).with_name("warm_child.py")
_BUDGET_S = 0.7
_TAIL_CHARACTERS = 2000
_COMPACT = ("blog",)
"""FastAPI writes JSON without blanks; the others give MLflow's very bytes."""

Events = Mapping[str, dict[str, Any]]


def measure_warm(
    variants: Sequence[Variant], events: Events, ground: Ground, rounds: int
) -> Figures:
    """Return, by variant and event, the median CPU and wall ms of an invocation.

    Each round is a process for each variant; a process's median counts once.

    :raises BenchError: a variant fails, or its answer is not the bytes of the first one's.
    """
    found: dict[str, list[Figures]] = {variant.name: [] for variant in variants}
    for number in range(rounds):
        for variant in variants[:: -1 if number % 2 else 1]:
            found[variant.name].append(run_warm(variant, events, ground, _BUDGET_S))
        say(f"warm requests: round {number + 1} of {rounds}")
    _compare({name: processes[0] for name, processes in found.items()})
    return {
        variant.name: {
            "title": variant.title,
            "cases": {name: _medians(found[variant.name], name) for name in events},
        }
        for variant in variants
    }


def run_warm(variant: Variant, events: Events, ground: Ground, budget_s: float) -> Figures:
    """Return what a process of the function measured; see `warm_child.py`.

    :param budget_s: seconds for each event; 0: one call of each, the first of the process.
    :raises BenchError: it failed, or answered something else than 200.
    """
    with private_folder() as folder:
        given, out = folder / "events.json", folder / "out.json"
        given.write_text(json.dumps(events))
        argv = [str(ground.python), str(_CHILD), str(given), str(out), str(budget_s)]
        done = subprocess.run(
            [*process.confinement(), *argv],
            cwd=variant.task_root,
            env=function_variables(variant, ground, folder),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            tail = (done.stdout + done.stderr)[-_TAIL_CHARACTERS:]
            raise BenchError(f"{variant.title}, warm, ended with {done.returncode}:\n{tail}")
        found: Figures = json.loads(out.read_text())
    for name, case in found.items():
        if case["status"] != HTTPStatus.OK:
            raise BenchError(f"{variant.title}, {name}: {case['status']} {case['body'][:500]}")
    return found


def median_of(case: Figures, field: str) -> float:
    """Return the median of a case that :func:`run_warm` returned."""
    return float(median(case[field]))


def _medians(processes: Sequence[Figures], name: str) -> Figures:
    return {
        field: summary([median_of(process[name], field) for process in processes])
        for field in ("cpu_ms", "wall_ms")
    }


def _compare(answers: Mapping[str, Figures]) -> None:
    expected = next(iter(answers.values()))
    for name, cases in answers.items():
        for case, answer in cases.items():
            mine, theirs = answer["body"], expected[case]["body"]
            if name in _COMPACT:
                mine, theirs = json.loads(mine), json.loads(theirs)
            if mine != theirs:
                raise BenchError(f"{name} answers {case} with other bytes: {mine[:300]}")
