"""`packager diff`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from packager.cli.bundle_options import BUNDLE
from packager.cli.output import Console, json_option, pass_console
from packager.packages.layer import LAYER_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from packager.bundle.diff import BundleDiff, Change, FileChange

_MARKS = {"changed": "~", "added": "+", "removed": "-"}
_SHOWN_CHARS = 100
_DIGEST_CHARS = 12


@click.command(
    epilog="""
    \b
    Examples:
      packager diff dist-before/ dist/
      packager diff dist-before/ dist/ --files
      packager diff dist-before/ dist/ --exit-code --json > differences.json
    """
)
@click.argument("before", metavar="A", type=BUNDLE)
@click.argument("after", metavar="B", type=BUNDLE)
@click.option("--files", "with_files", is_flag=True, help="Name every file that differs.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if the bundles differ, as git does.")
@json_option
@pass_console
def command(console: Console, before: Path, after: Path, with_files: bool, exit_code: bool) -> None:
    """Show what changed from bundle A to bundle B.

    Target, model, packages, sizes, files in function.zip and layer.zip, and checks. A and B
    are folders that `packager build` wrote.
    """
    from packager.bundle.diff import diff_bundles
    from packager.bundle.folder import read_bundle

    diff = diff_bundles(read_bundle(before), read_bundle(after))
    same = [f"{before} and {after} are the same bundle"]
    console.show(diff.to_dict(), same if diff.is_empty else _lines(diff, with_files))
    if exit_code and not diff.is_empty:
        sys.exit(1)


def _lines(diff: BundleDiff, with_files: bool) -> Iterator[str]:
    growth = {size.name: size.growth_bytes for size in diff.package_sizes}
    yield from _changes("bundle", diff.facts)
    yield from _changes("model files", _shortened(diff.model_files))
    yield from _changes("packages", diff.packages, growth)
    yield from _sizes(diff)
    yield from _files(diff.files, with_files)
    yield from _beside(diff.artifacts, with_files)
    yield from _changes("checks", diff.checks)


def _changes(
    title: str, changes: Sequence[Change], growth: Mapping[str, int] | None = None
) -> Iterator[str]:
    """Yield a line for each change; with `growth` also by how many bytes what it names grew."""
    if not changes:
        return
    yield f"{title}: {_count(changes)}"
    texts = [_arrow(change.before, change.after) for change in changes]
    width, text_width = max(len(change.name) for change in changes), max(map(len, texts))
    for change, text in zip(changes, texts, strict=True):
        size = "" if growth is None else f" {growth.get(change.name, 0):+13,} B"
        row = f"  {_MARKS[change.kind]} {change.name:{width}}  {text:{text_width}}{size}"
        yield row.rstrip()


def _sizes(diff: BundleDiff) -> Iterator[str]:
    yield "sizes:"
    rows = (*diff.totals, *diff.package_sizes)
    width = max(len(row.name) for row in rows)
    for row in rows:
        change = f"{row.growth_bytes:+13,} B" if row.growth_bytes else f"{'the same':>15}"
        yield f"    {row.name:{width}} {row.before_bytes:>13,} -> {row.after_bytes:>11,} {change}"


def _files(files: Sequence[FileChange], with_files: bool) -> Iterator[str]:
    if not files:
        return
    has_layer = any(file.path.startswith(f"{LAYER_ROOT}/") for file in files)
    zips = "function.zip and layer.zip" if has_layer else "function.zip"
    yield f"files in {zips}: {_count(files)}"
    packages = sorted({file.package for file in files})
    width = max(map(len, packages))
    for package in packages:
        own = [file for file in files if file.package == package]
        yield f"    {package:{width}}  {_count(own)}"
        if with_files:
            yield from (f"      {_MARKS[file.kind]} {file.path}" for file in own)
    if not with_files:
        yield "    (--files names them)"


def _beside(artifacts: Sequence[Change], with_files: bool) -> Iterator[str]:
    # All sample events change with the model's input example: one line says it.
    events = [change for change in artifacts if change.name.startswith("events/")]
    others = [change for change in artifacts if with_files or change not in events]
    yield from _changes("beside the zip", _shortened(others))
    if events and not with_files:
        yield f"sample events: {_count(events)}"


def _count(changes: Sequence[Change | FileChange]) -> str:
    kinds = [change.kind for change in changes]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in _MARKS if kind in kinds)


def _arrow(before: str | None, after: str | None) -> str:
    return " -> ".join(_short(text) for text in (before, after) if text is not None)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]} ..."


def _shortened(changes: Sequence[Change]) -> list[Change]:
    """Return changes of digests with as much of them as tells them apart."""
    return [
        replace(
            change,
            before=change.before and change.before[:_DIGEST_CHARS],
            after=change.after and change.after[:_DIGEST_CHARS],
        )
        for change in changes
    ]
