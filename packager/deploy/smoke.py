"""The smoke test: one request through a version that has no traffic yet."""

import json
from http import HTTPStatus
from typing import Any

from handler.manifest import BundleManifest
from packager.deploy.clients import Clients, stack_errors
from packager.deploy.stack import Pause, two_seconds
from packager.errors import SmokeTestFailed
from packager.events import sample_events
from packager.progress import Progress
from packager.s3 import error_code

GATEWAYS_OF_APIS = {"HTTP": "http-api", "REST": "rest-api", "URL": "function-url"}
_BODIES = ("dataframe-split", "dataframe-records", "instances", "inputs", "example")
_ANSWER_CHARS = 2000
_WAKING = ("SnapStartNotReadyException", "ResourceConflictException")
"""What Lambda says of a version that it put aside, for nobody asked for weeks: it is woken."""
_WAKES_WITHIN_PAUSES = 150


def try_version(
    clients: Clients,
    manifest: BundleManifest,
    api: str,
    function_name: str,
    version: str,
    progress: Progress,
    pause: Pause,
) -> None:
    """Send a scoring request, or /ping for a model of unknown input, to this version.

    A model without an input example gets a row of zeros, which it may refuse; then it has to
    answer /ping.

    :param api: the template's parameter Api.
    :raises SmokeTestFailed: it was not answered with status 200.
    """
    gateway = GATEWAYS_OF_APIS[api]
    events = sample_events(manifest)
    ping = f"{gateway}-ping"
    name = next((n for body in _BODIES if (n := f"{gateway}-{body}") in events), ping)
    progress.step(f"Testing version {version} with {name}")
    try:
        smoke_test(clients, function_name, version, events[name], pause=pause)
    except SmokeTestFailed as failed:
        if failed.status != HTTPStatus.BAD_REQUEST or manifest.model.input_example is not None:
            raise
        progress.detail("it refuses a made-up row: log the model with an input example")
        progress.step(f"Testing version {version} with {ping}")
        smoke_test(clients, function_name, version, events[ping], pause=pause)


def smoke_test(
    clients: Clients,
    function_name: str,
    version: str,
    event: dict[str, Any],
    *,
    pause: Pause = two_seconds,
) -> None:
    """Send the event to this version, and wait for one that Lambda has put aside.

    :raises SmokeTestFailed: it was not answered with status 200.
    """
    from botocore.exceptions import ClientError  # heavy

    with stack_errors(f"invoke version {version} of {function_name}"):
        for left in reversed(range(_WAKES_WITHIN_PAUSES)):
            try:
                answer = clients.functions.invoke(
                    FunctionName=function_name,
                    Qualifier=version,
                    Payload=json.dumps(event).encode(),
                )
                break
            except ClientError as error:
                if error_code(error) not in _WAKING or not left:
                    raise
                pause()
        payload = answer["Payload"].read().decode("utf-8", "replace")
    status = None if answer.get("FunctionError") else _status(payload)
    if status != HTTPStatus.OK:
        raise SmokeTestFailed(version, payload[:_ANSWER_CHARS], status)


def _status(payload: str) -> object:
    try:
        document = json.loads(payload)
    except ValueError:
        return None
    return document.get("statusCode") if isinstance(document, dict) else None
