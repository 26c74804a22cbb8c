"""`packager targets`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from packager.aws.runtimes import (
    ARCHITECTURES,
    LIMITS,
    RUNTIME_PACKAGES,
    RUNTIMES,
    RUNTIMES_SOURCE,
    Limit,
    Runtime,
    Target,
)
from packager.cli.output import Console, json_option, pass_console

if TYPE_CHECKING:
    from collections.abc import Iterator

_TITLES = ("runtime", "system", "glibc", "GLIBCXX", "wheels up to", "SnapStart", "patched until")


@click.command(
    epilog="""
    \b
    Examples:
      packager targets
      packager targets --json
    """
)
@json_option
@pass_console
def command(console: Console) -> None:
    """Show Lambda's Python runtimes, what they load, and Lambda's limits."""
    console.show(_document(), _lines())


def _document() -> dict[str, Any]:
    return {
        "runtimes": [
            {
                "name": runtime.name,
                "system": runtime.system.name,
                "symbol_versions": {
                    family: _dotted(number) for family, number in runtime.system.symbol_versions
                },
                "deprecation": runtime.deprecation,
                "has_snapstart": runtime.has_snapstart,
                "wheel_platforms": {
                    architecture: list(Target(runtime, architecture).wheel_platforms)
                    for architecture in ARCHITECTURES
                },
                "source": RUNTIMES_SOURCE,
            }
            for runtime in RUNTIMES
        ],
        "runtime_packages": [package.name for package in RUNTIME_PACKAGES],
        "limits": [asdict(limit) for limit in LIMITS],
    }


def _lines() -> Iterator[str]:
    rows = [_TITLES, *map(_row, RUNTIMES)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
    yield ""
    yield f"architectures   {', '.join(ARCHITECTURES)}"
    yield f"runtimes ship   {', '.join(package.name for package in RUNTIME_PACKAGES)}"
    yield ""
    width = max(len(limit.name) for limit in LIMITS)
    for limit in LIMITS:
        yield f"{limit.name:<{width}}  {_amount(limit)}"
    yield ""
    yield "Dates and limits are AWS's (Lambda developer guide); --json names each page."


def _row(runtime: Runtime) -> tuple[str, ...]:
    newest = Target(runtime, "x86_64").wheel_platforms[0]
    return (
        runtime.name,
        runtime.system.name,
        _dotted(runtime.glibc),
        _dotted(dict(runtime.system.symbol_versions)["GLIBCXX"]),
        newest.removesuffix("_x86_64"),
        "yes" if runtime.has_snapstart else "no",
        runtime.deprecation,
    )


def _dotted(number: tuple[int, ...]) -> str:
    return ".".join(map(str, number))


def _amount(limit: Limit) -> str:
    if limit.unit != "bytes":
        return f"{limit.value:,} {limit.unit}" if limit.unit != "layers" else f"{limit.value}"
    if limit.value < 10**6:
        return f"{limit.value:,} bytes"
    return f"{limit.value / 1e6:,.1f} MB"
