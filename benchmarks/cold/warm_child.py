"""Measures warm requests inside the function's own environment: event in, answer out.

    python warm_child.py EVENTS OUT BUDGET_S

Runs under the function's Python with its variables, so it imports nothing but its handler.
EVENTS is a JSON object of events by name; OUT gets, by name, CPU and wall ms of each call, the
answer's body, and the process's peak memory after it.
"""

import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_WARM_UPS = 3
_FEWEST = 5
_MOST = 400


def main() -> None:
    events, out, budget_s = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    cases = json.loads(events.read_text())
    found = {name: measure(handler, event, budget_s) for name, event in cases.items()}
    out.write_text(json.dumps(found))


def measure(handler: Any, event: dict[str, Any], budget_s: float) -> dict[str, Any]:
    context = SimpleNamespace(
        aws_request_id="00000000-0000-0000-0000-000000000000",
        function_name="bench",
        function_version="$LATEST",
        memory_limit_in_mb="1769",
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:bench",
        log_group_name="bench",
        log_stream_name="bench",
        get_remaining_time_in_millis=lambda: 30_000,
    )
    for _ in range(_WARM_UPS if budget_s else 0):
        handler(event, context)
    cpu_ms: list[float] = []
    wall_ms: list[float] = []
    end_s = time.monotonic() + budget_s
    fewest = _FEWEST if budget_s else 1
    while len(cpu_ms) < fewest or (time.monotonic() < end_s and len(cpu_ms) < _MOST):
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        answer = handler(event, context)
        cpu_ms.append((time.process_time() - cpu_s) * 1000)
        wall_ms.append((time.perf_counter() - wall_s) * 1000)
    return {
        "cpu_ms": cpu_ms,
        "wall_ms": wall_ms,
        "status": answer["statusCode"],
        "body": answer["body"],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }


if __name__ == "__main__":
    main()
