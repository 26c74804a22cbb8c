"""Measure cold starts, warm requests and what goes with them; renew docs/performance.md.

    python -m benchmarks.cold [--rounds 9] [--only cold,warm] [--growth] [--json]

Builds bundles by `packager build`, and what people deploy otherwise from the same versions of
the same libraries, and runs all of them in turns. Writes benchmarks/results.json, the tables of
docs/performance.md and docs/pictures/. Parts that are not measured keep their figures. What it
makes lies in .tools/bench. On two cores it takes a quarter of an hour, with --growth two.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import astuple

from benchmarks import fetch
from benchmarks.cold import aims, limits, publish, results, steps
from benchmarks.cold.cold import measure_cold
from benchmarks.cold.events import FORMATS, scoring_event
from benchmarks.cold.growth import measure_growth
from benchmarks.cold.memory import measure_memory
from benchmarks.cold.models import Models, make_models
from benchmarks.cold.runs import Ground
from benchmarks.cold.stats import Figures
from benchmarks.cold.variants import OBJECTS, Stage, prepare
from benchmarks.cold.warm import SIZES, measure_warm
from benchmarks.cold.waterfall import largest, trace_imports
from benchmarks.cold.work import BenchError, say
from benchmarks.static_s3 import static_s3
from packager.local import process

_LIMITED = ("mlflow", "blog", "exact", "compiled", "floor")
_WARM = ("mlflow", "blog", "exact", "compiled")
_FEW, _FEWEST = 3, 2
"""Rounds of what is slow and varies little."""
_IMPORTS_SHOWN = 24


class Bench:
    """All variants, ready, and the parts that measure them."""

    def __init__(self, models: Models, stage: Stage, ground: Ground, rounds: int) -> None:
        self._models, self._stage, self._ground, self._rounds = models, stage, ground, rounds
        self._event = scoring_event(FORMATS[0], *models.rows(1))

    def cold(self) -> Figures:
        variants = list(self._stage.variants.values())
        return {"variants": measure_cold(variants, self._event, self._ground, self._rounds)}

    def warm(self) -> Figures:
        variants = [self._stage.variants[name] for name in _WARM]
        events = {
            f"{form} {rows}": scoring_event(form, *self._models.rows(rows))
            for form in FORMATS
            for rows in SIZES
        }
        rounds = max(_FEW, self._rounds // 2)
        return {"variants": measure_warm(variants, events, self._ground, rounds)}

    def limits(self) -> Figures | None:
        """Measure cold starts with less CPU; None where it cannot be limited."""
        reason = limits.why_not()
        if reason:
            say(f"left out: cold starts with less CPU: {reason}")
            return None
        variants = [self._stage.variants[name] for name in _LIMITED]
        found = {}
        for memory, vcpus in limits.VCPUS.items():
            say(f"cold starts with {vcpus:g} vCPU")
            with limits.limited(vcpus) as confine:
                rounds = min(_FEW, self._rounds)
                found[str(memory)] = measure_cold(
                    variants, self._event, self._ground, rounds, confine
                )
        return {"memory": found}

    def steps(self) -> Figures:
        bases = [self._stage.variants[name] for name in ("exact", "compiled")]
        undone = steps.undone(self._stage, self._models)
        variants = [*bases, *undone]
        found = measure_cold(variants, self._event, self._ground, self._rounds)
        steps.clear(undone)
        return {"variants": found}

    def memory(self) -> Figures:
        rounds = min(_FEWEST, self._rounds)
        return {"bundles": measure_memory(self._models, self._stage, self._ground, rounds)}

    def imports(self) -> Figures:
        found = {}
        for name in ("exact", "compiled"):
            imports = trace_imports(self._stage.variants[name], self._ground)
            found[name] = [astuple(item) for item in largest(imports, _IMPORTS_SHOWN)]
        return {"variants": found}

    def fetch(self) -> Figures:
        return fetch.measure(self._rounds)

    def growth(self) -> Figures:
        return measure_growth(self._models, self._stage, self._ground)

    @property
    def parts(self) -> dict[str, Callable[[], Figures | None]]:
        names = ("cold", "warm", "steps", "imports", "memory", "fetch", "limits", "growth")
        return {name: getattr(self, name) for name in names}


def main() -> None:
    options = _options()
    try:
        with process.sigterm_interrupts():
            sections = _measure(options)
    except BenchError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; what was measured is in benchmarks/results.json")
    publish.publish(sections)
    if options.json:
        print(json.dumps({"goals": aims.as_records(sections), **sections}))
    else:
        print(aims.goals_table(sections))


_PARTS = ("cold", "warm", "steps", "imports", "memory", "fetch", "limits")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9, help="of cold starts, for each variant")
    parser.add_argument("--only", default=",".join(_PARTS), help="parts, with commas between")
    parser.add_argument("--growth", action="store_true", help="measure growth too")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    options.parts = [*options.only.split(","), *(["growth"] if options.growth else [])]
    unknown = set(options.parts) - {*_PARTS, "growth", ""}
    if unknown:
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}; known: {', '.join(_PARTS)}")
    return options


def _measure(options: argparse.Namespace) -> dict[str, Figures]:
    shutil.rmtree(OBJECTS, ignore_errors=True)
    OBJECTS.mkdir(parents=True)
    models = make_models()
    stage = prepare(models)
    sections = results.read_results()
    with static_s3(OBJECTS) as endpoint_url:
        bench = Bench(models, stage, Ground.at(endpoint_url, "3.11"), options.rounds)
        for name in filter(None, options.parts):
            say(f"measuring: {name}")
            found = bench.parts[name]()
            if found is not None:
                facts = results.circumstances(stage, options.rounds)
                sections[name] = found | {"circumstances": facts}
                results.write_results(sections)
    return sections


if __name__ == "__main__":
    main()
