"""The results as Markdown."""

import textwrap
from collections.abc import Iterable

from benchmarks.cold.limits import VCPUS
from benchmarks.cold.stats import Figures
from benchmarks.cold.steps import STEPS
from benchmarks.cold.warm import SIZES


def circumstances_line(figures: Figures) -> str:
    """Return what the figures were measured on, in a sentence or two."""
    versions = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    return textwrap.fill(
        f"Measured on {figures['date']}: {figures['cores']} cores ({figures['cpu']}),"
        f" {figures['runtime']}, {versions}.",
        width=100,
        break_on_hyphens=False,
    )


def cold_table(figures: Figures) -> str:
    """Return cold starts, slowest first, with their share of MLflow's app."""
    variants = figures["variants"]
    theirs = variants["mlflow"]["wall_s"]["median"]
    lines = [
        "| handler | wall s | from - to | CPU s | of MLflow's app | peak MB | unzipped MB"
        " | zipped MB | runs |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for entry in sorted(variants.values(), key=lambda item: -item["wall_s"]["median"]):
        wall = entry["wall_s"]
        lines.append(
            f"| {entry['title']} | {wall['median']:.2f} | {wall['min']:.2f} - {wall['max']:.2f}"
            f" | {entry['cpu_s']['median']:.2f} | {share(wall['median'] / theirs)}"
            f" | {entry['peak_mb']['median']:.0f} | {entry['unzipped_bytes'] / 1e6:.1f}"
            f" | {entry['zipped_bytes'] / 1e6:.1f} | {wall['rounds']} |"
        )
    return "\n".join(lines)


def warm_table(figures: Figures) -> str:
    """Return warm invocations by request, a column for each variant."""
    variants = figures["variants"]
    titles = [entry["title"] for entry in variants.values()]
    lines = [
        f"| request | {' | '.join(f'{title}, CPU ms' for title in titles)} |",
        f"|---|{'---:|' * len(titles)}",
    ]
    for case in next(iter(variants.values()))["cases"]:
        form, _, rows = case.partition(" ")
        cells = [_warm_cell(variants, name, case) for name in variants]
        lines.append(f"| {form}, {_rows(int(rows))} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _warm_cell(variants: Figures, name: str, case: str) -> str:
    mine, theirs = (variants[key]["cases"][case]["cpu_ms"]["median"] for key in (name, "mlflow"))
    figure = f"{mine:.2f}" if mine >= 1 else f"{mine:.3f}"
    return figure if name == "mlflow" else f"{figure} ({share(mine / theirs)})"


def limits_table(figures: Figures) -> str:
    """Return cold starts by the function's memory."""
    by_memory = dict(sorted(figures["memory"].items(), key=lambda item: int(item[0])))
    head = [f"{memory} MB ({VCPUS[int(memory)]:g} vCPU)" for memory in by_memory]
    lines = [f"| handler, wall s | {' | '.join(head)} |", f"|---|{'---:|' * len(head)}"]
    for name, entry in next(iter(by_memory.values())).items():
        cells = [f"{found[name]['wall_s']['median']:.2f}" for found in by_memory.values()]
        lines.append(f"| {entry['title']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def steps_table(figures: Figures) -> str:
    """Return what each measure bought: the cold start without it, less the one with it."""
    variants = figures["variants"]
    lines = [
        "| what | otherwise | bundle | bought, CPU ms | wall ms | peak MB |",
        "|---|---|---|---:|---:|---:|",
    ]
    for step in STEPS:
        whole = variants[step.beside.name if step.beside else step.base]
        undone = variants[step.name]
        cpu_ms, wall_ms, peak_mb = (
            (undone[field]["median"] - whole[field]["median"]) * factor
            for field, factor in (("cpu_s", 1000), ("wall_s", 1000), ("peak_mb", 1))
        )
        lines.append(
            f"| {step.what} | {step.instead} | {step.base} | {cpu_ms:,.0f} | {wall_ms:,.0f}"
            f" | {peak_mb:,.0f} |"
        )
    return "\n".join(lines)


def memory_table(figures: Figures) -> str:
    """Return the peaks of a large model's cold start."""
    lines = [
        "| bundle | model MB | function without it, peak MB | with it | beyond the model, MB"
        " | wall s |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {entry['title']} | {entry['model_mb']:.0f} | {entry['baseline_mb']['median']:.0f}"
        f" | {entry['peak_mb']['median']:.0f} | {entry['beyond_model_mb']:.0f}"
        f" | {entry['wall_s']['median']:.2f} |"
        for entry in figures["bundles"].values()
    ]
    return "\n".join(lines)


def growth_table(figures: Figures) -> str:
    """Return every point, and how steeply the last two rise."""
    lines = []
    for kind, variants in figures["kinds"].items():
        fields = [field for field in next(iter(variants.values()))[0] if field != "units"]
        titles = [_FIELDS[field] for field in fields]
        lines += [
            f"| {kind} | bundle | {' | '.join(titles)} |",
            f"|---:|---|{'---:|' * len(titles)}",
            *_growth_lines(kind, variants, fields, figures["exponents"]),
            "",
        ]
    return "\n".join(lines).rstrip()


_FIELDS = {
    "cpu_ms": "warm, CPU ms",
    "peak_mb": "peak MB",
    "cold_cpu_s": "cold, CPU s",
    "cold_wall_s": "cold, wall s",
    "warm_cpu_ms": "warm row, CPU ms",
    "loaded_mb": "model loaded, MB",
}


def _growth_lines(
    kind: str, variants: Figures, fields: list[str], exponents: Figures
) -> Iterable[str]:
    for name, points in variants.items():
        for point in points:
            cells = [_growth_figure(point[field]) for field in fields]
            yield f"| {point['units']:,.0f} | {name} | {' | '.join(cells)} |"
        steep = [f"{exponents[f'{kind}, {name}'][field]:.2f}" for field in fields]
        yield f"| last step's exponent | {name} | {' | '.join(steep)} |"


def _growth_figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def share(value: float) -> str:
    """Return a ratio as people say it: 1/8.2, or 1.1."""
    return f"1/{1 / value:.1f}" if value < 1 / 1.5 else f"{value:.2f}"


def _rows(count: int) -> str:
    return "1 row" if count == min(SIZES) else f"{count:,} rows"
