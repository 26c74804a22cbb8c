"""Small SVG files by hand: texts, boxes and lines in colours for light and dark pages."""

from collections.abc import Iterable
from html import escape

WIDTH = 760
_MARGIN = 16
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .small { font-size: 11px; fill: #59636e }
  .page { fill: #ffffff; stroke: #d0d7de }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .ours { fill: #2f6feb } .peer { fill: #99a1ab } .floor { fill: #bf8700 }
  .line { fill: none; stroke-width: 2 }
  .line.ours { stroke: #2f6feb; fill: none } .line.peer { stroke: #99a1ab; fill: none }
  .line.floor { stroke: #bf8700; fill: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 }
    .page { fill: #0d1117; stroke: #3d444d } .grid { stroke: #3d444d }
    .ours { fill: #4c8dff } .peer { fill: #6e7681 } .floor { fill: #d29922 }
    .line.ours { stroke: #4c8dff } .line.peer { stroke: #6e7681 } .line.floor { stroke: #d29922 }
  }
"""


def document(title: str, height: float, parts: Iterable[str]) -> str:
    """Return the file: a page of its own colour, so that it is readable on any."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}"'
        f' width="{WIDTH}" height="{height:.0f}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:.0f}"'
        ' rx="6"/>',
        text(_MARGIN, 26, title, "title"),
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, kind: str) -> str:
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}"'
        f' height="{height:.1f}" rx="2"/>'
    )


def rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def line(points: Iterable[tuple[float, float]], kind: str) -> str:
    """Return a line through the points, and a dot on each."""
    places = list(points)
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in places]
    return "\n".join([f'<polyline class="line {kind}" points="{path}"/>', *dots])
