"""`python -m tests.parity.fuzz COUNT`: a long hunt; exit code 1 if it finds anything."""

import argparse
import asyncio
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from .models import MODEL_OF_THE_SAMPLE_EVENTS, MODELS, start_function
from .search import Result, hunt_bodies, hunt_events

_MOST_SHOWN = 2_000
_SEEDS_PER_RUN = 1_000_000


def main() -> int:
    """Run both hunts and print what they found."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity.fuzz", description=__doc__)
    parser.add_argument("count", type=int, help="cases of each kind: raw bodies, Lambda events")
    parser.add_argument("--seed", type=int, default=0, help="other cases for another number")
    parser.add_argument("--only", choices=("bodies", "events"), help="one kind instead of both")
    options = parser.parse_args()
    kinds = (options.only,) if options.only else ("bodies", "events")
    asyncio.set_event_loop(loop := asyncio.new_event_loop())  # Mangum takes the current one
    found = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, result in _hunts(Path(folder), kinds, options.count, options.seed):
            _write(f"{name:20} {result.count:7} cases {len(result.findings):3} findings")
            for fault, case in result.findings.items():
                _write(f"  {fault}\n    {case[:_MOST_SHOWN]}")
            found += len(result.findings)
    loop.close()
    return 1 if found else 0


def _hunts(
    folder: Path, kinds: Sequence[str], count: int, seed: int
) -> Iterator[tuple[str, Result]]:
    first_seed = seed * _SEEDS_PER_RUN
    each = math.ceil(count / len(MODELS))
    for model in MODELS:
        function = start_function(model, folder / model)
        if "bodies" in kinds:
            yield f"bodies, {model}", hunt_bodies(function, each, first_seed)
        if "events" in kinds and model == MODEL_OF_THE_SAMPLE_EVENTS:
            yield "events", hunt_events(function, count, first_seed)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
