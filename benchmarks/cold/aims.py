"""The goals: what was aimed at, and what was reached."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.cold.stats import Figures, ratio

Results = Mapping[str, Figures]
"""What `results.json` holds, by section."""


@dataclass(frozen=True)
class Goal:
    """One row of the table."""

    what: str
    against: str
    aim: float
    """The largest ratio, or MB, that is good enough."""
    reached: Callable[[Results], dict[str, float]]
    """Ratios (or MB) by what was measured, as `wall` and `CPU`. KeyError: not measured."""
    is_mb: bool = False

    @property
    def aim_text(self) -> str:
        if self.is_mb:
            return f"<= {self.aim:.0f} MB"
        return f"<= 1/{1 / self.aim:.3g}" if self.aim < 1 else f"<= {self.aim:g}"


@dataclass(frozen=True)
class Reached:
    """A goal, measured; no figures: it was not."""

    goal: Goal
    figures: dict[str, float]

    @property
    def is_met(self) -> bool | None:
        if not self.figures:
            return None
        return max(self.figures.values()) <= self.goal.aim

    @property
    def text(self) -> str:
        return "; ".join(f"{name} {self._figure(value)}" for name, value in self.figures.items())

    def _figure(self, value: float) -> str:
        if self.goal.is_mb:
            return f"{value:.0f} MB"
        return f"1/{1 / value:.1f}" if value < 1 / 1.5 else f"{value:.2f}"

    @property
    def verdict(self) -> str:
        return {True: "yes", False: "NO", None: "not measured"}[self.is_met]


def _cold(ours: str, theirs: str) -> Callable[[Results], dict[str, float]]:
    def reached(results: Results) -> dict[str, float]:
        cold = results["cold"]["variants"]
        one, other = cold[ours], cold[theirs]
        return {"wall": ratio(one, other, "wall_s"), "CPU": ratio(one, other, "cpu_s")}

    return reached


def _warm(ours: str, theirs: str, rows: int) -> Callable[[Results], dict[str, float]]:
    def reached(results: Results) -> dict[str, float]:
        variants, case = results["warm"]["variants"], f"dataframe_split {rows}"
        one, other = (variants[name]["cases"][case] for name in (ours, theirs))
        return {"wall": ratio(one, other, "wall_ms"), "CPU": ratio(one, other, "cpu_ms")}

    return reached


def _size(results: Results) -> dict[str, float]:
    cold = results["cold"]["variants"]
    return {"size": cold["compiled"]["unzipped_bytes"] / cold["exact"]["unzipped_bytes"]}


def _fetch(results: Results) -> dict[str, float]:
    return {name: float(value) for name, value in results["fetch"]["ratios"].items()}


def _memory(results: Results) -> dict[str, float]:
    return {
        name: float(entry["beyond_model_mb"])
        for name, entry in results["memory"]["bundles"].items()
    }


_APP = "MLflow's app + Mangum, same deps, with .pyc"
GOALS = (
    Goal("cold start, model as logged", _APP, 1 / 4, _cold("exact", "mlflow")),
    Goal("the same, model logged as pickle", _APP, 1 / 4, _cold("exact, pickle", "mlflow, pickle")),
    Goal("cold start, compiled", _APP, 1 / 8, _cold("compiled", "mlflow")),
    Goal("and then", _APP, 1 / 10, _cold("compiled", "mlflow")),
    Goal(
        "cold start, compiled",
        "floor: awslambdaric, fastapi, mangum, numpy, the file",
        1.15,
        _cold("compiled", "floor"),
    ),
    Goal("warm, 1 row, model as logged", _APP, 1 / 4, _warm("exact", "mlflow", 1)),
    Goal("warm, 1 row, compiled", _APP, 1 / 20, _warm("compiled", "mlflow", 1)),
    Goal("warm, 1,000 rows, model as logged", _APP, 1 / 3, _warm("exact", "mlflow", 1000)),
    Goal("warm, 1,000 rows, compiled", _APP, 1 / 5, _warm("compiled", "mlflow", 1000)),
    Goal("unzipped size, compiled", "the exact bundle", 1 / 3, _size),
    Goal("model fetch, 250 MB", "plain HTTP read of the same bytes", 1.2, _fetch),
    Goal("peak memory of fetch + load", "the model's size in memory", 100, _memory, is_mb=True),
)


def reach(results: Results) -> list[Reached]:
    """Return every goal with what was reached, as far as it was measured."""
    return [Reached(goal, _figures(goal, results)) for goal in GOALS]


def _figures(goal: Goal, results: Results) -> dict[str, float]:
    try:
        return goal.reached(results)
    except KeyError:
        return {}


def goals_table(results: Results) -> str:
    """Return the goals as a Markdown table."""
    lines = ["| what | against | aim | reached | met |", "|---|---|---|---|---|"]
    for row in reach(results):
        goal = row.goal
        lines.append(
            f"| {goal.what} | {goal.against} | {goal.aim_text} | {row.text} | {row.verdict} |"
        )
    return "\n".join(lines)


def as_records(results: Results) -> list[dict[str, Any]]:
    """Return the goals as JSON has them."""
    return [
        {
            "what": row.goal.what,
            "against": row.goal.against,
            "aim": row.goal.aim,
            "reached": row.figures,
            "met": row.is_met,
        }
        for row in reach(results)
    ]
