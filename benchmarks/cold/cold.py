"""Cold starts of all variants, in turns."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.cold.runs import ColdRun, Confine, Ground, run_cold
from benchmarks.cold.stats import Figures, summaries
from benchmarks.cold.variants import Variant
from benchmarks.cold.work import BenchError, say

FIELDS = ("wall_s", "cpu_s", "peak_mb", "resident_mb")
_CONSTANT = ("floor", "bare")
"""They answer without looking."""


def measure_cold(
    variants: Sequence[Variant],
    event: dict[str, Any],
    ground: Ground,
    rounds: int,
    confine: Confine | None = None,
) -> Figures:
    """Return the medians of every variant, by name.

    Each is started once before, unmeasured, so that its files are in memory.

    :raises BenchError: a variant fails, or two give different predictions.
    """
    first = {variant.name: run_cold(variant, event, ground) for variant in variants}
    _compare({name: run.body for name, run in first.items() if name not in _CONSTANT})
    runs: dict[str, list[ColdRun]] = {variant.name: [] for variant in variants}
    for number in range(rounds):
        for variant in variants[:: -1 if number % 2 else 1]:
            if number < (variant.most_rounds or rounds):
                runs[variant.name].append(run_cold(variant, event, ground, confine))
        say(f"cold starts: round {number + 1} of {rounds}")
    return {
        variant.name: {
            "title": variant.title,
            "unzipped_bytes": variant.unzipped_bytes,
            "zipped_bytes": variant.zipped_bytes,
            **summaries(runs[variant.name], FIELDS),
        }
        for variant in variants
    }


def _compare(bodies: Mapping[str, str]) -> None:
    answers = {name: json.loads(body) for name, body in bodies.items()}
    for name, answer in answers.items():
        expected = next(iter(answers.values()))
        if answer != expected:
            raise BenchError(f"{name} answers {answer}, another {expected}")
