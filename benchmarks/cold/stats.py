"""Medians, and the JSON that they become."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

Figures = dict[str, Any]


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return median, extremes and count of what the rounds measured."""
    return {
        "median": median(values),
        "min": min(values),
        "max": max(values),
        "rounds": len(values),
    }


def summaries(runs: Sequence[object], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the summary of each of these attributes of the runs."""
    return {name: summary([getattr(run, name) for run in runs]) for name in names}


def ratio(ours: Mapping[str, Any], theirs: Mapping[str, Any], field: str) -> float:
    """Return our median of a field by theirs."""
    return float(ours[field]["median"] / theirs[field]["median"])
