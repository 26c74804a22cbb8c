"""`packager invoke`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from packager.cli.bundle_options import bucket_option, bundle_argument, memory_option, prefix_option
from packager.cli.event_files import read_event
from packager.cli.output import Console, pass_console

if TYPE_CHECKING:
    from packager.local.invocation import Invocation
    from packager.local.response import HttpResponse


@click.command(
    epilog="""
    \b
    Examples:
      packager invoke dist/ --event dist/events/http-api-dataframe-split.json
      packager invoke dist/ --event event.json --repeat 3 --json
      packager invoke dist/ --event first.json --event second.json --bucket my-models
      echo '{}' | packager invoke dist/ --event -
    \b
    Exit codes: 0 the function answered, 1 it failed, timed out or answered with 5xx.
    """
)
@bundle_argument
@click.option(
    "--event",
    "events",
    multiple=True,
    required=True,
    metavar="FILE|-",
    help="A JSON file with what Lambda hands to the function; - reads stdin. Several run one"
    " after the other in the same sandbox: the first cold, the others warm.",
)
@bucket_option(
    help="Bucket that `packager publish` put the model into, with your AWS settings and"
    " AWS_ENDPOINT_URL_S3. Without it an embedded S3 holds the model for this run."
)
@prefix_option(default="packager", show_default=True, help="Prefix of the keys in the bucket.")
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How often each event is handed in.",
)
@memory_option
@click.option(
    "--timeout",
    "timeout_s",
    type=click.IntRange(1, 900),
    help="Seconds for one invocation; here the first one's include init. Without it as in"
    " template.yaml.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON document on stdout: an object; a list of them for several invocations.",
)
@pass_console
def command(
    console: Console,
    bundle: Path,
    events: tuple[str, ...],
    bucket: str | None,
    prefix: str,
    repeat: int,
    memory_mib: int | None,
    timeout_s: int | None,
    as_json: bool,
) -> None:
    """Run BUNDLE under the real Lambda runtime on this machine and print its answer.

    The zip is unpacked read-only and runs under AWS's runtime interface emulator in an
    environment of its own: nothing but the zip and what Lambda itself has is on its path.
    """
    from packager.bundle.folder import read_bundle
    from packager.local.invoke import running_function
    from packager.local.response import decode_response

    parsed = [read_event(name) for name in events]
    documents = []
    with running_function(
        read_bundle(bundle),
        bucket=bucket,
        prefix=prefix,
        memory_mib=memory_mib,
        timeout_s=timeout_s,
        progress=console,
    ) as function:
        for name, event in zip(events, parsed, strict=True):
            for _ in range(repeat):
                console.step(f"Invoking with {name}")
                invocation = function.invoke(event)
                response = decode_response(invocation.payload)
                documents.append(_document(invocation, response))
                if not as_json:
                    _print(console, invocation, response)
    if as_json:
        console.json(documents[0] if len(documents) == 1 else documents)
    if any(_is_failure(document) for document in documents):
        sys.exit(1)


def _document(invocation: "Invocation", response: "HttpResponse | None") -> dict[str, Any]:
    return {
        "outcome": invocation.outcome,
        "error": invocation.error,
        "statusCode": response.status if response else None,
        "headers": response.headers if response else None,
        "body": response.body if response else invocation.payload,
        "init_duration_ms": invocation.init_duration_ms,
        "duration_ms": invocation.duration_ms,
        "max_memory_mib": invocation.peak_memory_mib,
        "cold_start": invocation.cold_start,
        "log": invocation.log,
    }


def _is_failure(document: dict[str, Any]) -> bool:
    return document["outcome"] != "ok" or (document["statusCode"] or 0) >= 500


def _print(console: Console, invocation: "Invocation", response: "HttpResponse | None") -> None:
    document = _document(invocation, response)
    if invocation.outcome == "ok":
        body = document["body"]
        status = f"HTTP {response.status}\n" if response else ""
        console.result(status + (body if isinstance(body, str) else json.dumps(body, indent=2)))
    else:
        console.error(f"the function gave no answer: {invocation.error}")
    if _is_failure(document) and invocation.log:
        console.detail("its log:")
        for line in invocation.log.splitlines():
            console.detail(f"  {line}")
    console.detail(_figures(invocation))


def _figures(invocation: "Invocation") -> str:
    parts = [
        "cold start" if invocation.cold_start else "warm",
        f"duration {invocation.duration_ms:.1f} ms",
    ]
    if invocation.init_duration_ms is not None:
        parts.insert(1, f"init duration {invocation.init_duration_ms:.0f} ms")
    if invocation.peak_memory_mib is not None:
        parts.append(f"max memory {invocation.peak_memory_mib} MiB")
    return ", ".join(parts)
