"""What comes of one event: the function's answer, or why there is none."""

import http.client
import json
import re
from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["ok", "error", "timeout", "crash"]
"""`error`: the handler raised. `crash`: the process died, or never got through init."""


@dataclass(frozen=True)
class Invocation:
    """What came of one event."""

    outcome: Outcome
    payload: Any
    """The handler's answer, JSON-decoded; None unless the outcome is `ok`."""
    error: str | None
    """Why there is no payload, in a sentence."""
    duration_ms: float
    """Of the handler alone, without init."""
    init_duration_ms: float | None
    """From the start of the process to the end of the handler module's import; None: warm."""
    cold_start: bool
    peak_memory_mib: int | None
    """The largest resident memory of the sandbox's process so far; None: it died too early."""
    log: str
    """What the function printed, to stdout and stderr."""


def read_answer(status: int, body: bytes) -> tuple[Outcome, Any, str | None]:
    """Return outcome, payload and error of the emulator's HTTP answer."""
    text = body.decode("utf-8", errors="replace")
    if status == http.client.OK and re.fullmatch(r"Task timed out after [\d.]+ seconds", text):
        return "timeout", None, text
    try:
        payload = json.loads(text) if text else None
    except ValueError:
        return "crash", None, text.strip() or f"the emulator answered {status}"
    if status != http.client.OK:
        return "crash", None, _error_text(payload)
    # The emulator has no X-Amz-Function-Error header: know an exception by its shape.
    if isinstance(payload, dict) and {"errorMessage", "errorType", "requestId"} <= set(payload):
        return "error", None, _error_text(payload)
    return "ok", payload, None


def _error_text(payload: Any) -> str:
    if payload is None:
        return "the function's process did not start, or ended without a word"
    if not isinstance(payload, dict):
        return str(payload)
    return f"{payload.get('errorType', 'unknown')}: {payload.get('errorMessage', '')}"
