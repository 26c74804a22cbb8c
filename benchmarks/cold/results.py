"""What was measured: benchmarks/results.json, with a section for each part."""

import json
import math
import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.cold.stats import Figures
from benchmarks.cold.variants import Stage, all_pins
from benchmarks.cold.work import ROOT

RESULTS = ROOT / "benchmarks" / "results.json"
_SHOWN_PACKAGES = (
    "mlflow",
    "fastapi",
    "mangum",
    "numpy",
    "pandas",
    "scikit-learn",
    "scipy",
    "skops",
)
_DIGITS = 5


def read_results() -> dict[str, Figures]:
    """Return all sections; none where nothing was measured yet."""
    found: dict[str, Figures] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    return found


def write_results(sections: dict[str, Figures]) -> None:
    """Write all sections, figures rounded to what they can mean."""
    RESULTS.write_text(json.dumps(_rounded(sections), indent=1) + "\n")


def circumstances(stage: Stage, rounds: int) -> Figures:
    """Return what a section's figures depend on: machine, versions, time."""
    pins = all_pins(stage)
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "kernel": platform.release().split("-")[0],
        "date": datetime.now(UTC).date().isoformat(),
        "rounds": rounds,
        "runtime": "Python 3.11, awslambdaric 4.2.2",
        "versions": {name: pins[name] for name in _SHOWN_PACKAGES},
    }


def _cpu() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    return found[1] if found else platform.machine()


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, float) and value and math.isfinite(value):
        return round(value, _DIGITS - 1 - math.floor(math.log10(abs(value))))
    return value
