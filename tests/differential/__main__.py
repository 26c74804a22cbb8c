"""`python -m tests.differential`: many generated requests; exits 1 on a difference."""

import argparse
import sys
import time
from collections import Counter

from .catalog import MODELS
from .duel import Tally
from .survey import survey


def main() -> int:
    options = _options()
    started = time.monotonic()
    tallies = survey(options.models, options.count, options.seed, options.processes)
    return _report(tallies, options, time.monotonic() - started)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.differential")
    parser.add_argument("--count", type=int, default=100_000, help="requests in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("models", nargs="*", default=MODELS, help="default: all")
    return parser.parse_args()


def _report(tallies: list[Tally], options: argparse.Namespace, duration_s: float) -> int:
    count = sum(tally.count for tally in tallies)
    distinct = len(set().union(*(tally.asked for tally in tallies)))
    differences = sum(len(tally.differences) for tally in tallies)
    statuses = sum((tally.statuses for tally in tallies), Counter[int]())
    deviations = sum((tally.deviations for tally in tallies), Counter[int]())
    sys.stdout.write(
        f"{count} requests ({distinct} distinct) to {len(options.models)} models, seed"
        f" {options.seed}, {duration_s:.0f} s\n"
        f"MLflow's status codes: {dict(sorted(statuses.items()))}\n"
        f"explained by deviation: {dict(sorted(deviations.items()))}\n"
        f"differences outside the table: {differences}\n"
    )
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
