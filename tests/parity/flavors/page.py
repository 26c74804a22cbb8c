"""docs/flavors.md: its table, from results that were stored row by row."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.page import with_section
from packager.model.flavors.table import flavor_named
from tests.parity.flavors.harness import Outcome
from tests.parity.flavors.saver import Row, all_rows
from tests.support.commands import ROOT

PAGE = ROOT / "docs" / "flavors.md"
RESULTS = Path(__file__).parent / "results"
_TABLE, _TOLERANCES = "rows: make flavors", "tolerances: make flavors"
_HEAD = (
    "flavor", "logged as", "format", "library", "package", "zipped, MB", "unzipped, MB",
    "init, ms", "parity", "executes code",
)  # fmt: skip
_LIBRARIES = {
    "onnx": "onnxruntime",
    "sklearn": "scikit-learn",
    "pytorch": "torch",
    "python_function": "cloudpickle",
    "keras_jax": "keras",
    "keras_torch": "keras",
}
"""What a saver of this name is about, where its distribution is called differently."""


def store(row: Row, outcome: Outcome, folder: Path = RESULTS) -> None:
    """Keep what came of a row, in a file of its own: rows are run at different times."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{row.saver.name}-{row.variant}.json"
    path.write_text(json.dumps(asdict(outcome), indent=2, sort_keys=True) + "\n")


def stored(rows: Iterable[Row], folder: Path = RESULTS) -> Iterator[tuple[Row, Outcome]]:
    """Yield the rows that have been run, with what came of them."""
    for row in rows:
        path = folder / f"{row.saver.name}-{row.variant}.json"
        if path.exists():
            yield row, Outcome(**json.loads(path.read_text()))


def write_page() -> None:
    """Write table and tolerances into the page, from all that is stored."""
    results = list(stored(all_rows()))
    PAGE.write_text(page_with_results(PAGE.read_text(), results))


def page_with_results(text: str, results: Sequence[tuple[Row, Outcome]]) -> str:
    """Return the page's text with its two sections as these results have them."""
    text = with_section(text, _TABLE, table(results))
    return with_section(text, _TOLERANCES, tolerances(results))


def table(results: Iterable[tuple[Row, Outcome]]) -> str:
    """Return the table in Markdown, a line for each row."""
    lines = [_HEAD, ["---"] * len(_HEAD), *(_cells(row, outcome) for row, outcome in results)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def tolerances(results: Iterable[tuple[Row, Outcome]]) -> str:
    """Return a list of what is allowed to differ, and why."""
    reasons: dict[tuple[float, str], list[str]] = {}
    for row, _ in results:
        if row.tolerance is not None:
            key = row.tolerance.relative, row.tolerance.reason
            reasons.setdefault(key, []).append(str(row))
    lines = [
        f"- {', '.join(names)}: within {relative:g}: {reason}."
        for (relative, reason), names in reasons.items()
    ]
    return "\n".join(lines) or "Nothing."


def _cells(row: Row, outcome: Outcome) -> list[str]:
    return [
        row.saver.name,
        row.variant,
        outcome.format,
        _library(row, outcome),
        outcome.package_type,
        f"{outcome.zipped_bytes / 1e6:.1f}",
        f"{outcome.unzipped_bytes / 1e6:.1f}",
        f"{outcome.init_duration_ms:.0f}",
        f"{outcome.largest_difference:.1g}" if outcome.largest_difference else "equal to the bit",
        "yes" if _executes_code(outcome) else "no",
    ]


def _executes_code(outcome: Outcome) -> bool:
    return flavor_named(outcome.flavor).format_named(outcome.format).executes_code


def _library(row: Row, outcome: Outcome) -> str:
    name = _LIBRARIES.get(row.saver.name, row.saver.name.replace("_", "-"))
    found = [item for item in outcome.versions if item in (name, f"{name}-cpu")]
    return ", ".join(f"{item} {outcome.versions[item]}" for item in found)
