"""`packager status`."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from packager.cli.output import Console, json_option, pass_console
from packager.cli.stack_options import stack_option

if TYPE_CHECKING:
    from packager.deploying.report import StackReport


@click.command(
    epilog="""
    \b
    Examples:
      packager status --stack my-model
      packager status --stack my-model --json
    """
)
@stack_option
@json_option
@pass_console
def command(console: Console, stack_name: str) -> None:
    """Show a deployed stack: its state, its versions, and which of them is live.

    Proven is a version that passed its test, took over all traffic, and was not rolled back from.
    """
    from packager.api.stacks import status

    report = status(stack_name)
    console.show(asdict(report), _lines(report))


def _lines(report: "StackReport") -> Iterator[str]:
    reason = f": {report.reason}" if report.reason else ""
    yield f"stack       {report.name}: {report.status}{reason}"
    yield f"endpoint    {report.endpoint or 'none yet'}"
    for version in reversed(report.versions):
        is_live = version == report.live_version
        proven = "proven" if version in report.proven else "not proven"
        yield f"version     {version}: {'live' if is_live else 'not live'}, {proven}"
    for name in report.change_sets:
        yield f"change set  {name}: never executed"
    if report.stored:
        yield f"stored      {report.stored}"
