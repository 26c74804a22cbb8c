"""The smoke test: one request through a version that has no traffic yet."""

import json
from typing import Any

from handler.manifest import BundleManifest
from packager.deploy.clients import Clients, stack_errors
from packager.deploy.stack import Pause, two_seconds
from packager.errors import SmokeTestFailed
from packager.events import sample_events
from packager.s3 import error_code

GATEWAYS_OF_APIS = {"HTTP": "http-api", "REST": "rest-api", "URL": "function-url"}
_BODIES = ("dataframe-split", "dataframe-records", "instances", "inputs", "example")
_ANSWER_CHARS = 2000
_WAKING = ("SnapStartNotReadyException", "ResourceConflictException")
"""What Lambda says of a version that it put aside, for nobody asked for weeks: it is woken."""
_WAKES_WITHIN_PAUSES = 150


def sample_event(manifest: BundleManifest, api: str) -> tuple[str, dict[str, Any]]:
    """Return name and event of a scoring request, or of /ping for a model of unknown input.

    :param api: the template's parameter Api.
    """
    gateway = GATEWAYS_OF_APIS[api]
    events = sample_events(manifest)
    names = [f"{gateway}-{body}" for body in (*_BODIES, "ping")]
    name = next(name for name in names if name in events)
    return name, events[name]


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
    if answer.get("FunctionError") or _status(payload) != 200:
        raise SmokeTestFailed(version, payload[:_ANSWER_CHARS])


def _status(payload: str) -> object:
    try:
        document = json.loads(payload)
    except ValueError:
        return None
    return document.get("statusCode") if isinstance(document, dict) else None
