"""How time and memory grow: with rows, with trees, with the model's bytes."""

import itertools
import math
from collections.abc import Sequence

from benchmarks.cold.big import BigForest, make_forest
from benchmarks.cold.bundles import build
from benchmarks.cold.cold import measure_cold
from benchmarks.cold.events import FORMATS, scoring_event
from benchmarks.cold.folders import remove
from benchmarks.cold.memory import model_bytes
from benchmarks.cold.models import Models
from benchmarks.cold.runs import Ground
from benchmarks.cold.stats import Figures
from benchmarks.cold.variants import COMPILED, EXACT, OurBundle, Stage, Variant, our_variant
from benchmarks.cold.warm import median_of, run_warm
from benchmarks.cold.work import WORK, say

ROWS = (1, 10, 100, 1_000, 10_000, 100_000)
TREES = (10, 100, 1_000, 5_000)
_ROWS_OF_A_TREE = 600
SIZES = ((100, 341), (100, 5_460), (500, 17_500), (1_000, 70_000))
"""Trees, and rows that each is trained on: about 1 MB, 16 MB, 256 MB, 2 GB of arrays."""
_BUDGET_S = 0.5
_ROUNDS = 2


def measure_growth(models: Models, stage: Stage, ground: Ground) -> Figures:
    """Return all points: kind of growth, variant, units, and what each took."""
    found = {
        "rows": _rows(models, stage, ground),
        "trees": _forests(models, ground, [(trees, _ROWS_OF_A_TREE) for trees in TREES], "trees"),
        "megabytes": _forests(models, ground, SIZES, "megabytes"),
    }
    return {"kinds": found, "exponents": exponents(found)}


def exponents(kinds: Figures) -> dict[str, dict[str, float]]:
    """Return how steeply each figure grows between its last two points: 1 is linear."""
    found: dict[str, dict[str, float]] = {}
    for kind, variants in kinds.items():
        for name, points in variants.items():
            fields = [field for field in points[0] if field != "units"]
            found[f"{kind}, {name}"] = {
                field: _slope(points[-2], points[-1], field) for field in fields
            }
    return found


def _slope(before: Figures, after: Figures, field: str) -> float:
    if before[field] <= 0 or after[field] <= 0:
        return 0.0
    return math.log(after[field] / before[field]) / math.log(after["units"] / before["units"])


def _rows(models: Models, stage: Stage, ground: Ground) -> Figures:
    found: Figures = {"mlflow": [], "exact": [], "compiled": []}
    for count, name in itertools.product(ROWS, found):
        events = {"rows": scoring_event(FORMATS[0], *models.rows(count))}
        case = run_warm(stage.variants[name], events, ground, _BUDGET_S)["rows"]
        point = {"units": count, "cpu_ms": median_of(case, "cpu_ms"), "peak_mb": case["peak_mb"]}
        found[name].append(point)
        if name == "compiled":
            say(f"growth: {count:,} rows")
    return found


def _forests(
    models: Models, ground: Ground, sizes: Sequence[tuple[int, int]], unit: str
) -> Figures:
    found: Figures = {EXACT.name: [], COMPILED.name: []}
    for trees, rows in sizes:
        forest = make_forest(models, trees, rows, EXACT.serialization)
        for bundle in (EXACT, COMPILED):
            units = trees if unit == "trees" else forest.array_bytes / 1e6
            found[bundle.name].append({"units": units, **_forest(bundle, forest, ground)})
        say(f"growth: {trees:,} trees, {forest.array_bytes / 1e6:,.0f} MB")
    return found


def _forest(bundle: OurBundle, forest: BigForest, ground: Ground) -> Figures:
    built = build(f"growth-{bundle.name}", forest.model, *bundle.options)
    variant: Variant = our_variant(bundle.name, bundle.title, built)
    event = scoring_event(FORMATS[0], *forest.rows(1))
    cold = measure_cold([variant], event, ground, _ROUNDS)[variant.name]
    warm = run_warm(variant, {"row": event}, ground, _BUDGET_S)["row"]
    point = {
        "cold_cpu_s": cold["cpu_s"]["median"],
        "cold_wall_s": cold["wall_s"]["median"],
        "peak_mb": cold["peak_mb"]["median"],
        "warm_cpu_ms": median_of(warm, "cpu_ms"),
        "loaded_mb": model_bytes(built, forest) / 1e6,
    }
    remove(WORK / "bundles" / f"growth-{bundle.name}")
    return point
