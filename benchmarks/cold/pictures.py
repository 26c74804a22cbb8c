"""The pictures of docs/performance.md: bars, import waterfalls, growth."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.cold import svg
from benchmarks.cold.waterfall import Import

Kind = Literal["ours", "peer", "floor"]
_LEFT, _RIGHT, _TOP = 330, 80, 44
_PLOT_LEFT, _PLOT_RIGHT, _PLOT_HEIGHT = 80, 190, 240
_LABEL_HEIGHT = 14
_ROW = 26
_IMPORT_ROW = 19
_SHORT_NAME = 44


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart."""

    label: str
    value: float
    shown: str
    """The value with its unit."""
    kind: Kind


@dataclass(frozen=True)
class Series:
    """One line of a plot."""

    label: str
    points: Mapping[float, float]
    kind: Kind


def bars(title: str, rows: Sequence[Bar]) -> str:
    """Return a bar chart, linear from zero."""
    largest = max(row.value for row in rows)
    scale = (svg.WIDTH - _LEFT - _RIGHT) / largest
    parts = []
    for number, row in enumerate(rows):
        y = _TOP + number * _ROW
        width = row.value * scale
        parts.append(svg.text(_LEFT - 8, y + 15, row.label, anchor="end"))
        parts.append(svg.box(_LEFT, y + 3, width, _ROW - 9, row.kind))
        parts.append(svg.text(_LEFT + width + 6, y + 15, row.shown))
    return svg.document(title, _TOP + len(rows) * _ROW + 10, parts)


def waterfall(title: str, imports: Sequence[Import]) -> str:
    """Return the imports as bars from start to end."""
    whole_ms = max(item.start_ms + item.duration_ms for item in imports)
    scale = (svg.WIDTH - _LEFT - _RIGHT) / whole_ms
    parts = []
    for number, item in enumerate(imports):
        y = _TOP + number * _IMPORT_ROW
        x, width = _LEFT + item.start_ms * scale, item.duration_ms * scale
        kind = "ours" if item.name.split(".")[0] == "handler" else "peer"
        indent = "\u00a0" * 2 * min(item.depth, 6)
        name = item.name if len(item.name) <= _SHORT_NAME else f"{item.name[:_SHORT_NAME]}..."
        parts.append(svg.text(16, y + 13, f"{indent}{name}", "small"))
        parts.append(svg.box(x, y + 3, width, _IMPORT_ROW - 6, kind))
        shown = f"{item.duration_ms:.0f} ms"
        parts.append(svg.text(x + width + 4, y + 13, shown, "small"))
    return svg.document(title, _TOP + len(imports) * _IMPORT_ROW + 10, parts)


def plot(title: str, x_label: str, series: Sequence[Series]) -> str:
    """Return lines over two logarithmic scales."""
    horizontal = _Scale.over([x for one in series for x in one.points])
    vertical = _Scale.over([y for one in series for y in one.points.values()])
    width = svg.WIDTH - _PLOT_LEFT - _PLOT_RIGHT
    bottom = _TOP + _PLOT_HEIGHT

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            _PLOT_LEFT + width * horizontal.share(x),
            bottom - _PLOT_HEIGHT * vertical.share(y),
        )

    parts = []
    for power in vertical.powers:
        _, y = place(horizontal.low, 10**power)
        parts.append(svg.rule(_PLOT_LEFT, y, _PLOT_LEFT + width, y))
        parts.append(svg.text(_PLOT_LEFT - 8, y + 4, _number(10.0**power), "small", "end"))
    for power in horizontal.powers:
        x, _ = place(10**power, vertical.low)
        parts.append(svg.rule(x, _TOP, x, bottom))
        parts.append(svg.text(x, bottom + 16, _number(10.0**power), "small", "middle"))
    ends = []
    for one in series:
        places = [place(x, y) for x, y in sorted(one.points.items())]
        parts.append(svg.line(places, one.kind))
        ends.append((*places[-1], one.label))
    below = -math.inf
    for x, y, label in sorted(ends, key=lambda end: end[1]):
        below = max(y + 4, below + _LABEL_HEIGHT)  # lines that end together have labels that do not
        parts.append(svg.text(x + 10, below, label, "small"))
    parts.append(svg.text(_PLOT_LEFT + width / 2, bottom + 34, x_label, "small", "middle"))
    return svg.document(title, bottom + 48, parts)


@dataclass(frozen=True)
class _Scale:
    """Whole powers of ten."""

    first: int
    last: int

    @classmethod
    def over(cls, values: Sequence[float]) -> "_Scale":
        first = math.floor(math.log10(min(values)))
        return cls(first, max(first + 1, math.ceil(math.log10(max(values)))))

    @property
    def low(self) -> float:
        return 10.0**self.first

    @property
    def powers(self) -> range:
        return range(self.first, self.last + 1)

    def share(self, value: float) -> float:
        return (math.log10(value) - self.first) / (self.last - self.first)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
