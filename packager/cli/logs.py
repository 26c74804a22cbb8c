"""`packager logs`."""

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from packager.cli.output import Console, pass_console
from packager.cli.stack_options import stack_option

if TYPE_CHECKING:
    from packager.deploying.logs import LogLine


@click.command(
    epilog="""
    \b
    Examples:
      packager logs --stack my-model
      packager logs --stack my-model --since 2h --errors
      packager logs --stack my-model --follow --json | jq .message
    """
)
@stack_option
@click.option("--since", metavar="AGE", default="15m", show_default=True, help="90s, 15m, 2h, 7d.")
@click.option("--errors", "is_errors", is_flag=True, help="Only errors, timeouts and crashes.")
@click.option("--follow", "is_following", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document for each line.")
@pass_console
def command(
    console: Console,
    stack_name: str,
    since: str,
    is_errors: bool,
    is_following: bool,
    as_json: bool,
) -> None:
    """Show what a deployed function wrote into its log, all versions together."""
    from packager.deploying.clients import make_clients
    from packager.deploying.logs import parse_age, read_logs
    from packager.deploying.stack import read_stack
    from packager.deploying.steps import our_stack

    age = parse_age(since)
    clients = make_clients()
    lines = read_logs(
        clients,
        our_stack(clients, stack_name, read_stack(clients, stack_name)),
        since_ms=max(0, int((time.time() - age.total_seconds()) * 1000)),
        is_errors=is_errors,
        is_following=is_following,
    )
    count = 0
    for line in lines:
        count += 1
        console.result(_json(line) if as_json else _text(line))
    if not count:
        console.detail(f"nothing was logged in the last {since}")


def _json(line: "LogLine") -> str:
    message = _document(line.message) or line.message
    return json.dumps({"timestamp_ms": line.timestamp_ms, "message": message})


def _text(line: "LogLine") -> str:
    at = datetime.fromtimestamp(line.timestamp_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    found = _document(line.message)
    if found is None or found.get("type") != "invocation":
        return f"{at}Z {line.message}"
    cold = "  cold start" if found.get("cold_start") else ""
    request = f"{found.get('method') or '-'} {found.get('path') or '-'}"
    took = found.get("duration_ms")
    return f"{at}Z {found.get('level')} {request} {found.get('status')}  {took} ms{cold}"


def _document(message: str) -> dict[str, Any] | None:
    try:
        found = json.loads(message)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
