"""Peak memory of fetching and loading a large model, beside what the model itself has."""

import json
from pathlib import Path
from typing import Any

from benchmarks.cold.big import BigForest, make_forest
from benchmarks.cold.bundles import Built, build
from benchmarks.cold.events import FORMATS, scoring_event
from benchmarks.cold.models import Models
from benchmarks.cold.runs import Ground, run_cold
from benchmarks.cold.stats import Figures, summary
from benchmarks.cold.variants import COMPILED, EXACT, EXACT_PICKLE, OurBundle, Stage, our_variant
from benchmarks.cold.work import say

# About 250 MB of arrays.
TREES, ROWS = 850, 10_000


def measure_memory(models: Models, stage: Stage, ground: Ground, rounds: int) -> Figures:
    """Return by bundle what the process of a large model peaked at, beyond the model's size.

    Interpreter and libraries are taken off: they are what the same function peaks at with
    the small forest.
    """
    small_event = scoring_event(FORMATS[0], *models.rows(1))
    found = {}
    for bundle in (EXACT, EXACT_PICKLE, COMPILED):
        forest = make_forest(models, TREES, ROWS, bundle.serialization)
        built = build(f"large-{bundle.name}".replace(", ", "-"), forest.model, *bundle.options)
        variant = our_variant(f"large {bundle.name}", f"{bundle.title}, large", built)
        event = scoring_event(FORMATS[0], *forest.rows(1))
        small = [run_cold(stage.variants[bundle.name], small_event, ground) for _ in range(rounds)]
        large = [run_cold(variant, event, ground) for _ in range(rounds)]
        say(f"memory of {bundle.name}: done")
        found[bundle.name] = _figures(bundle, built, forest, small, large)
    return found


def _figures(
    bundle: OurBundle, built: Built, forest: BigForest, small: list[Any], large: list[Any]
) -> Figures:
    baseline, peak = ([run.peak_mb for run in runs] for runs in (small, large))
    model_mb = model_bytes(built, forest) / 1e6
    beyond = summary(peak)["median"] - summary(baseline)["median"] - model_mb
    return {
        "title": bundle.title,
        "model_mb": model_mb,
        "baseline_mb": summary(baseline),
        "peak_mb": summary(peak),
        "wall_s": summary([run.wall_s for run in large]),
        "beyond_model_mb": beyond,
    }


def model_bytes(built: Built, forest: BigForest) -> int:
    """Return the model's size in memory: of its arrays, or of the compiled file that is mapped."""
    manifest = json.loads((built.output / "bundle.json").read_text())
    data_path = manifest["model"].get("engine", {}).get("data_path")
    if data_path is None:
        return forest.array_bytes
    sizes = {Path(item["path"]): item["size_bytes"] for item in manifest["model"]["files"]}
    return int(sizes[Path(data_path)])
