"""`packager doctor`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from packager.cli.output import Console, json_option, pass_console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packager.start.doctor import Examination

_FAILED_STATUS = 3


@click.command(
    epilog="""
    \b
    Examples:
      packager doctor
      packager doctor --json
    \b
    Exit codes: 0 all that `packager build` requires is here, 3 something is missing. What only
    other commands need does not fail.
    """
)
@json_option
@pass_console
def command(console: Console) -> None:
    """Show which of the tools are here, what the missing ones are for, and how to get them.

    Nothing is changed or downloaded, no secret is shown, and AWS is not asked.
    """
    from packager.start.doctor import examine

    found = examine(progress=console)
    console.show(found.to_dict(), _lines(found))
    for item in found.lacking:
        console.error(f"packager build needs {item.name}: {item.detail}", item.hint)
    if not found.is_ok:
        sys.exit(_FAILED_STATUS)


def _lines(found: Examination) -> Iterator[str]:
    width = max(len(item.name) for item in found.findings)
    for item in found.findings:
        yield f"{item.status:<7}  {item.name:<{width}}  {item.detail}"
        if item.status != "ok":
            margin = " " * (width + 11)
            yield f"{margin}needed for: {item.needed_for}"
            yield f"{margin}to do: {item.hint}"
    counts = {
        status: sum(item.status == status for item in found.findings)
        for status in ("ok", "missing", "problem")
    }
    yield ", ".join(f"{count} {status}" for status, count in counts.items())
