"""The smoke test: one request through a version that has no traffic yet."""

import json
from dataclasses import dataclass
from typing import Any

from handler.manifest import BundleManifest
from packager.bundle.sample_events import sample_events
from packager.deploying.clients import Clients, stack_errors
from packager.deploying.stack import Pause, two_seconds
from packager.errors import SmokeTestFailed
from packager.storage.client import error_code

GATEWAYS_OF_APIS = {"HTTP": "http-api", "REST": "rest-api", "URL": "function-url"}
_BODIES = ("dataframe-split", "dataframe-records", "instances", "inputs", "example")
_ANSWER_CHARS = 2000
_WAKING = ("SnapStartNotReadyException", "ResourceConflictException")
"""What Lambda says of a version that it put aside, for nobody asked for weeks: it is woken."""
_WAKES_WITHIN_PAUSES = 150


@dataclass(frozen=True)
class SampleEvent:
    """What a version is asked before it gets traffic."""

    name: str
    event: Any
    is_made_up: bool = False
    """Of zeros and empty texts, for the model was logged without an input example."""


def sample_event(manifest: BundleManifest, api: str) -> SampleEvent:
    """Return a scoring request, or /ping for a model of unknown input.

    :param api: the template's parameter Api.
    """
    gateway = GATEWAYS_OF_APIS[api]
    events = sample_events(manifest)
    name = next((n for body in _BODIES if (n := f"{gateway}-{body}") in events), f"{gateway}-ping")
    model = manifest.model
    is_made_up = model.input_example is None and model.sample is None and name != f"{gateway}-ping"
    return SampleEvent(name, events[name], is_made_up)


def smoke_test(
    clients: Clients, function_name: str, version: str, event: Any, *, pause: Pause = two_seconds
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
