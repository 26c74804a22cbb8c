"""What the commands for a deployed stack have in common."""

import sys
from typing import TYPE_CHECKING

import click

from packager.cli.output import Console
from packager.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from packager.deploying.changes import Change
    from packager.deploying.steps import Deployed


def _checked(_context: click.Context, _option: click.Parameter, name: str) -> str:
    from packager.deploying.stack import check_name

    check_name(name)
    return name


stack_option = click.option(
    "--stack",
    "stack_name",
    envvar="PACKAGER_STACK",
    show_envvar=True,
    required=True,
    callback=_checked,
    help="Name of the CloudFormation stack.",
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask; needed without a terminal.")


def check_can_ask(yes: bool) -> None:
    """Refuse, before any work, to ask where nobody can answer.

    :raises ConfigError: there is no terminal.
    """
    # Closed, as by `<&-`, it is None.
    if not yes and not (sys.stdin and sys.stdin.isatty()):
        raise ConfigError("there is no terminal to ask on", hint="Say --yes to go on unasked.")


def approval(console: Console, yes: bool) -> "Callable[[tuple[Change, ...]], bool]":
    """Return what shows changes and asks whether they may be made."""

    def approve(changes: "tuple[Change, ...]") -> bool:
        for change in changes:
            if yes:
                console.detail(str(change))
            else:  # whoever is asked must see what, with --quiet too
                click.echo(f"          {change}", err=True)
        return yes or click.confirm("Make these changes?", err=True)

    return approve


def live_lines(done: "Deployed") -> list[str]:
    """Return in words what is live now."""
    was = f" (before: {done.version_before})" if done.is_changed and done.version_before else ""
    return [f"live      version {done.live_version}{was}", f"endpoint  {done.endpoint}"]
