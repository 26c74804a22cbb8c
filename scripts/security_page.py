"""Renew the table of formats in `docs/security.md` from the table of flavors.

    python -m scripts.security_page

A test fails when the page differs from what this script writes.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.page import with_section
from packager.model.flavors.flavor import Flavor
from packager.model.flavors.table import OWN_FLAVORS

PAGE = Path(__file__).parent.parent / "docs" / "security.md"
_SECTION = "formats: python -m scripts.security_page"
_FALLBACK = "any other (`mlflow` itself loads it)"


def page_with_table(text: str) -> str:
    """Return the page's text with the table as it has to be."""
    return with_section(text, _SECTION, table(OWN_FLAVORS))


def table(flavors: Iterable[Flavor]) -> str:
    """Return the formats in Markdown, a line for each."""
    head = "| flavor | format | executes code | why it is safe, or what to do for `--safe-only` |"
    return "\n".join([head, "|---|---|---|---|", *_lines(flavors)])


def _lines(flavors: Iterable[Flavor]) -> Iterator[str]:
    for flavor in flavors:
        name = _FALLBACK if flavor.loader_module.endswith("*") else f"`{flavor.name}`"
        for item in flavor.formats:
            answer = "yes" if item.executes_code else "no"
            yield f"| {name} | {item.name} | {answer} | {item.note} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page_with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
