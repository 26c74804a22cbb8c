"""`packager destroy`."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from packager.cli.output import Console, json_option, pass_console
from packager.cli.stack_options import check_can_ask, stack_option, yes_option

if TYPE_CHECKING:
    from packager.deploying.removal import Destroyed


@click.command(
    epilog="""
    \b
    Examples:
      packager destroy --stack my-model
      packager destroy --stack my-model --yes --json
    """
)
@stack_option
@yes_option
@json_option
@pass_console
def command(console: Console, stack_name: str, yes: bool) -> None:
    """Delete a deployed stack: endpoint, function, all its versions, its log.

    What was put into S3 stays, and so does a layer, which other stacks may use: both are named.
    """
    from packager.deploying.clients import make_clients
    from packager.deploying.removal import destroy

    def approve() -> bool:
        return yes or click.confirm(f"Delete {stack_name} and its endpoint?", err=True)

    check_can_ask(yes)
    clients = make_clients()
    done = destroy(clients, stack_name, approve=approve, progress=console)
    console.show(asdict(done), _lines(done, clients.region))


def _lines(done: "Destroyed", region: str) -> Iterator[str]:
    if not done.was_there:
        yield f"there is no stack {done.stack_name} in {region}: nothing was deleted"
        return
    yield f"deleted   {done.stack_name}"
    if done.stored:
        yield f"stays     {done.stored}"
        if not done.is_shared:
            yield f"to remove aws s3 rm --recursive {done.stored}"
    if done.layer:
        yield f"stays     {done.layer}"
        name, version = done.layer.split(":")[-2:]
        words = f"--layer-name {name} --version-number {version}"
        yield f"to remove aws lambda delete-layer-version {words}"
