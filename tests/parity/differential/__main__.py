"""`python -m tests.parity.differential`: many generated requests; exits 1 on a difference."""

import argparse
import sys
import time
from collections.abc import Iterable

from .catalog import MODELS
from .duel import Tally
from .survey import survey

_SHOWN = 3
"""Differences printed of each chunk."""


def main() -> int:
    options = _options()
    started = time.monotonic()
    total = _sum(survey(options.models, options.count, options.seed, options.processes))
    sys.stdout.write(
        f"{total.count} requests ({len(total.asked)} distinct) to {len(options.models)} models,"
        f" seed {options.seed}, {time.monotonic() - started:.0f} s\n"
        f"MLflow's status codes: {dict(sorted(total.statuses.items()))}\n"
        f"explained by deviation: {dict(sorted(total.deviations.items()))}\n"
        f"differences outside the table: {len(total.differences)}\n"
    )
    return 1 if total.differences else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.parity.differential")
    parser.add_argument("--count", type=int, default=100_000, help="requests in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("models", nargs="*", default=MODELS, help="default: all")
    return parser.parse_args()


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        # At once: a long run may be cut short.
        for difference in tally.differences[:_SHOWN]:
            sys.stdout.write(f"{difference}\n\n")
        total.count += tally.count
        total.asked |= tally.asked
        total.statuses += tally.statuses
        total.deviations += tally.deviations
        total.differences += tally.differences
        sys.stdout.flush()
    return total


if __name__ == "__main__":
    sys.exit(main())
