"""`packager destroy`."""

import click

from packager.cli.output import Console, pass_console
from packager.cli.stack_options import check_can_ask, json_option, stack_option, yes_option
from packager.errors import StackError


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

    What was put into S3 stays there, and is named.
    """
    from packager.deploy.clients import make_clients
    from packager.deploy.report import stored_at
    from packager.deploy.stack import delete_stack, read_stack, two_seconds, wait_for
    from packager.deploy.story import check_ours

    check_can_ask(yes)
    clients = make_clients()
    stack = read_stack(clients, stack_name)
    if stack is not None and stack.is_busy and stack.status != "DELETE_IN_PROGRESS":
        stack, _ = wait_for(clients, stack.id, console)
    if stack is not None:
        check_ours(stack)
        if not yes and not click.confirm(f"Delete {stack_name} and its endpoint?", err=True):
            raise StackError("not approved: nothing was deleted")
        console.step(f"Deleting {stack_name}")
        delete_stack(clients, stack, console, pause=two_seconds)
    stored = stored_at(stack) if stack else None
    if as_json:
        console.json({"stack_name": stack_name, "was_there": stack is not None, "stored": stored})
        return
    console.result(
        f"deleted   {stack_name}" if stack else f"deleted   {stack_name} (was not there)"
    )
    if stored:
        console.result(f"stays     {stored}  (aws s3 rm --recursive {stored} removes it)")
