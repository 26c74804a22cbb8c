"""The sections of documents that the benchmarks write and nobody edits."""

from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "bundles.md"
_END = "<!-- end -->"


def replace_section(name: str, text: str, page: Path = PAGE) -> None:
    """Put the text between the page's `<!-- name -->` and the next `<!-- end -->`."""
    content = page.read_text(encoding="utf-8")
    page.write_text(with_section(content, name, text), encoding="utf-8")


def with_section(content: str, name: str, text: str) -> str:
    """Return a page's content with the text in the section of this name."""
    begin = f"<!-- {name} -->\n"
    before, found, rest = content.partition(begin)
    if not found:
        raise SystemExit(f"the page has no section {begin.strip()}")
    after = rest.partition(_END)[2]
    return f"{before}{begin}{text}\n{_END}{after}"
