"""`packager rollback`."""

from dataclasses import asdict

import click

from packager.cli.output import Console, json_option, pass_console
from packager.cli.stack_options import approval, check_can_ask, live_lines, stack_option, yes_option


@click.command(
    epilog="""
    \b
    Examples:
      packager rollback --stack my-model
      packager rollback --stack my-model --to 7 --yes
    """
)
@stack_option
@click.option(
    "--to", metavar="VERSION", help="A published version; default: the one before that is proven."
)
@yes_option
@json_option
@pass_console
def command(console: Console, stack_name: str, to: str | None, yes: bool) -> None:
    """Make an earlier version the live one again.

    By default that is the highest below the live one that passed its test, took over the traffic,
    and was not rolled back from. It has to answer /ping first, and then all traffic goes over at
    once, whatever Deployment says. Nothing is deleted: deploying the bundle again makes its version
    live again.
    """
    from packager.api.stacks import roll_back

    check_can_ask(yes)
    done = roll_back(stack_name, to=to, approve=approval(console, yes), progress=console)
    console.show(asdict(done), live_lines(done))
