"""Puts the results into docs/performance.md, and draws its pictures."""

from collections.abc import Callable, Mapping

from benchmarks import fetch
from benchmarks.cold import tables
from benchmarks.cold.aims import goals_table
from benchmarks.cold.pictures import Bar, Kind, Series, bars, plot, waterfall
from benchmarks.cold.stats import Figures
from benchmarks.cold.waterfall import Import
from benchmarks.cold.work import ROOT
from benchmarks.page import replace_section

PAGE = ROOT / "docs" / "performance.md"
PICTURES = ROOT / "docs" / "pictures"
_TABLES: dict[str, Callable[[Figures], str]] = {
    "cold": tables.cold_table,
    "warm": tables.warm_table,
    "limits": tables.limits_table,
    "steps": tables.steps_table,
    "memory": tables.memory_table,
    "fetch": fetch.table,
}
_GROWTH = {
    "rows": (("cpu_ms", "CPU ms for each row"), ("peak_mb", "peak MB for each row")),
    "trees": (
        ("cold_cpu_s", "cold CPU s for each tree"),
        ("warm_cpu_ms", "warm CPU ms for each tree"),
    ),
    "megabytes": (
        ("cold_wall_s", "cold wall s for each MB of model"),
        ("peak_mb", "peak MB for each MB of model"),
    ),
}


def publish(results: Mapping[str, Figures]) -> None:
    """Renew every section and picture that there are figures for."""
    PICTURES.mkdir(exist_ok=True)
    replace_section("goals: make bench", goals_table(results), PAGE)
    if "cold" in results:
        line = tables.circumstances_line(results["cold"]["circumstances"])
        replace_section("machine: make bench", line, PAGE)
    for name, table in _TABLES.items():
        if name in results:
            replace_section(f"{name}: make bench", table(results[name]), PAGE)
    for name, picture in _pictures(results).items():
        (PICTURES / f"{name}.svg").write_text(picture, encoding="utf-8")
    if "growth" in results:
        text = f"{_growth_links()}\n\n{tables.growth_table(results['growth'])}"
        replace_section("growth: make bench", text, PAGE)


def _pictures(results: Mapping[str, Figures]) -> dict[str, str]:
    found = {}
    if "cold" in results:
        found["cold"] = _cold_bars(results["cold"]["variants"])
    if "warm" in results:
        found["warm"] = _warm_bars(results["warm"]["variants"])
    for name, imports in results.get("imports", {}).get("variants", {}).items():
        title = f"Imports of an init: {name} bundle"
        found[f"imports-{name}"] = waterfall(title, [Import(*item) for item in imports])
    if "growth" in results:
        found |= _growth_plots(results["growth"]["kinds"])
    return found


def _cold_bars(variants: Figures) -> str:
    entries = sorted(variants.items(), key=lambda item: -item[1]["wall_s"]["median"])
    rows = []
    for name, entry in entries:
        median = entry["wall_s"]["median"]
        rows.append(Bar(entry["title"], median, f"{median:.2f} s", _kind(name)))
    return bars("Cold start: start of the process to its first answer, wall time", rows)


def _warm_bars(variants: Figures) -> str:
    rows = []
    for name, entry in variants.items():
        median = entry["cases"]["dataframe_split 1"]["cpu_ms"]["median"]
        rows.append(Bar(entry["title"], median, f"{median:.2f} ms", _kind(name)))
    return bars("Warm request of one row: event to answer, CPU time", rows)


def _growth_plots(kinds: Figures) -> dict[str, str]:
    found = {}
    for kind, fields in _GROWTH.items():
        for field, title in fields:
            series = [
                Series(name, _per_unit(points, field), _kind(name, growing=True))
                for name, points in kinds[kind].items()
            ]
            found[_growth_name(kind, field)] = plot(_sentence(title), kind, series)
    return found


def _growth_links() -> str:
    return "\n\n".join(
        f"![{_sentence(title)}](pictures/{_growth_name(kind, field)}.svg)"
        for kind, fields in _GROWTH.items()
        for field, title in fields
    )


def _growth_name(kind: str, field: str) -> str:
    return f"growth-{kind}-{field.replace('_', '-')}"


def _sentence(title: str) -> str:
    return f"{title[0].upper()}{title[1:]}"


def _per_unit(points: list[Figures], field: str) -> dict[float, float]:
    return {point["units"]: point[field] / point["units"] for point in points}


def _kind(name: str, *, growing: bool = False) -> Kind:
    if growing and name == "exact":
        return "floor"  # the colour between
    if name.startswith(("exact", "compiled")):
        return "ours"
    return "floor" if name in ("floor", "bare") else "peer"
