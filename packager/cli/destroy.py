"""`packager destroy`."""

from dataclasses import asdict

import click

from packager.cli.output import Console, json_option, pass_console
from packager.cli.stack_options import check_can_ask, stack_option, yes_option


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
def command(console: Console, stack_name: str, yes: bool, as_json: bool) -> None:
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
    if as_json:
        console.json(asdict(done))
        return
    if not done.was_there:
        console.result(f"there is no stack {stack_name} in {clients.region}: nothing was deleted")
        return
    console.result(f"deleted   {stack_name}")
    if done.stored:
        console.result(f"stays     {done.stored}")
        if not done.is_shared:
            console.result(f"to remove aws s3 rm --recursive {done.stored}")
    if done.layer:
        console.result(f"stays     {done.layer}")
        name, version = done.layer.split(":")[-2:]
        words = f"--layer-name {name} --version-number {version}"
        console.result(f"to remove aws lambda delete-layer-version {words}")
