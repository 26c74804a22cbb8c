"""`packager deploy`."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from packager.cli.bundle_options import bucket_option, bundle_argument, prefix_option
from packager.cli.event_files import read_event
from packager.cli.output import Console, json_option, pass_console
from packager.cli.stack_options import approval, check_can_ask, live_lines, stack_option, yes_option
from packager.errors import ConfigError

if TYPE_CHECKING:
    from packager.bundle.folder import Bundle
    from packager.deploying.plan import DeployPlan
    from packager.deploying.stack import Stack

_LONGEST_BODY_CHARS = 1500


@click.command(
    epilog="""
    \b
    Examples:
      packager deploy dist/ --stack my-model --bucket my-models
      packager deploy dist/ --stack my-model --bucket my-models --parameter MemorySize=3008 --yes
      packager deploy dist/ --stack my-model --bucket my-models --dry-run
    """
)
@bundle_argument
@stack_option
@bucket_option(required=True, help="Bucket to put the bundle into.")
@prefix_option(
    help="Prefix of the keys in the bucket; default: the stack's, at first packager/STACK."
)
@click.option(
    "--parameter",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="A parameter of template.yaml, as Api=REST; kept by later deployments. Repeatable.",
)
@click.option(
    "--event",
    "event_name",
    type=click.Path(dir_okay=False, exists=True),
    help="What the new version is asked for a test, as in the bundle's events/; default: the"
    " model's sample request.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan and change nothing.")
@yes_option
@json_option
@pass_console
def command(
    console: Console,
    bundle: Path,
    stack_name: str,
    bucket: str,
    prefix: str | None,
    assignments: tuple[str, ...],
    event_name: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Deploy BUNDLE into a CloudFormation stack, without the SAM CLI.

    The bundle goes to S3, a change set shows what would change, and the stack is updated. The
    version that comes of it gets the model's sample request before it gets any traffic; only if
    it answers does the alias `live` move. After an interruption run the same command again.
    """
    from packager.api.bundles import as_bundle
    from packager.api.stacks import deploy
    from packager.deploying.clients import make_clients
    from packager.deploying.smoke import SampleEvent
    from packager.deploying.stack import read_stack
    from packager.deploying.story import plan_deployment
    from packager.storage.publish import ensure_bucket

    parameters = _parameters(assignments)
    event = SampleEvent(event_name, read_event(event_name)) if event_name else None
    if not dry_run:
        check_can_ask(yes)
    checked = as_bundle(bundle, console)
    clients = make_clients()
    if dry_run:
        stack = read_stack(clients, stack_name)
        plan = plan_deployment(clients, checked, stack_name, bucket, prefix, parameters, stack)
        ensure_bucket(clients.s3, bucket, create=False, region=clients.region)
        console.show(_document(plan, stack), _lines(plan, stack))
        return
    done = deploy(
        checked,
        stack_name,
        bucket,
        prefix,
        parameters,
        event=event,
        approve=approval(console, yes),
        progress=console,
    )
    stack = read_stack(clients, stack_name)
    call = _call(checked, done.endpoint, dict(stack.parameters) if stack else {}, clients.region)
    console.show(asdict(done) | {"call": call}, [*live_lines(done), f"call      {call}"])


def _parameters(assignments: tuple[str, ...]) -> dict[str, str]:
    parameters = {}
    for text in assignments:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise ConfigError(f"--parameter {text!r} is not KEY=VALUE")
        parameters[name] = value
    return parameters


def _document(plan: "DeployPlan", stack: "Stack | None") -> dict[str, Any]:
    return {
        "stack_name": plan.stack_name,
        "stack_status": stack.status if stack else None,
        "uploads": list(plan.uploads),
        "parameters": dict(plan.parameters),
    }


def _lines(plan: "DeployPlan", stack: "Stack | None") -> Iterator[str]:
    yield f"stack     {plan.stack_name} ({stack.status if stack else 'to be created'})"
    for uri in plan.uploads:
        yield f"upload    {uri} (unless it is there)"
    for name, value in sorted(plan.parameters.items()):
        yield f"set       {name}={value}"
    yield "then      publish a version, test it, and make it the live one"


def _call(bundle: "Bundle", endpoint: str, parameters: dict[str, str], region: str) -> str:
    """Return a command line that asks the endpoint for a prediction."""
    from packager.model.samples import sample_requests

    samples = sample_requests(bundle.manifest.model)
    body = json.dumps(next(iter(samples.documents.values()))) if samples else ""
    address = endpoint.rstrip("/")
    rest: list[str] = []
    if body and len(body) <= _LONGEST_BODY_CHARS:
        rest = ["-X", "POST", "-H", "content-type: application/json", "-d", body]
        address += "/invocations"
    else:
        address += "/ping"
    auth = parameters.get("Auth", "AWS_IAM")
    if auth == "AWS_IAM":
        service = "lambda" if parameters.get("Api") == "URL" else "execute-api"
        start = ["awscurl", "--service", service, "--region", region]
    else:
        header = {"JWT": "authorization: Bearer TOKEN", "API_KEY": "x-api-key: KEY"}.get(auth)
        start = ["curl", *(["-H", header] if header else [])]
    return shlex.join([*start, *rest, address])
