"""What a deployed function wrote into its log."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from packager.deploying.clients import Clients, stack_errors
from packager.deploying.stack import Pause, Stack, two_seconds
from packager.errors import ConfigError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
# Our own lines have a level, as what the runtime says of uncaught exceptions. Timeouts and crashes
# are in Lambda's own records alone, which have none.
_ERRORS = (
    '{ ($.level = "ERROR") || ($.level = "FATAL") || ($.level = "CRITICAL")'
    ' || (($.type = "platform.report") && ($.record.status != "success")) }'
)
_LATE_MS = 60_000
"""CloudWatch shows a line some seconds after it was written, and lines not in order."""


@dataclass(frozen=True)
class LogLine:
    """A line of the log."""

    id: str
    timestamp_ms: int
    """Since 1970, UTC."""
    message: str


def parse_age(text: str) -> timedelta:
    """Return how long ago that is: `90s`, `15m`, `2h`, `7d`.

    :raises ConfigError: it is none of these.
    """
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise ConfigError(f"{text!r} is no age", hint="Say it as 90s, 15m, 2h or 7d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def read_logs(
    clients: Clients,
    stack: Stack,
    *,
    since_ms: int,
    is_errors: bool = False,
    is_following: bool = False,
    pause: Pause = two_seconds,
) -> Iterator[LogLine]:
    """Yield the lines written since then, each once; with `is_following` without an end.

    :param since_ms: since 1970, UTC.
    :param is_errors: only lines of level ERROR and above.
    :raises ConfigError: the stack has no function, and so no log, yet.
    :raises StackError: AWS refused.
    """
    group = stack.outputs.get("LogGroup")
    if group is None:
        raise ConfigError(f"the stack {stack.name} has no function yet, and so no log")
    told: dict[str, int] = {}
    while True:
        began_ms = time.time_ns() // 1_000_000
        for line in _read(clients, group, since_ms, is_errors):
            if line.id not in told:
                told[line.id] = line.timestamp_ms
                yield line
        if not is_following:
            return
        # Without a line too: or a quiet function's whole log is read every two seconds.
        since_ms = max(since_ms, began_ms - _LATE_MS)
        told = {key: stamp for key, stamp in told.items() if stamp >= since_ms}
        pause()


def _read(clients: Clients, group: str, since_ms: int, is_errors: bool) -> Iterator[LogLine]:
    pattern = {"filterPattern": _ERRORS} if is_errors else {}
    with stack_errors(f"read the log {group}"):
        pages = clients.logs.get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=group, startTime=since_ms, **pattern):
            for event in page["events"]:
                yield LogLine(event["eventId"], event["timestamp"], event["message"].rstrip("\n"))
