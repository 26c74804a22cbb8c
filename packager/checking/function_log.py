"""What the function's own log says of a failure."""

import json
import re
from collections.abc import Iterator
from typing import Any

# Without a line's end before it, where the runtime's client has written a traceback.
_RECORD = re.compile(r'\{"timestamp": .*\}$', re.MULTILINE)
_ENTRY = re.compile(r"^\[[A-Z]+\]\t", re.MULTILINE)
_TRACEBACK = "Traceback (most recent call last):"
_CHAIN = re.compile(r"\n\n(?:The above exception was|During handling of)")
_FRAME = re.compile(r'^  File "(?P<file>[^"]+)"')
_PLACE = re.compile(r"^  (?P<file>.+):\d+ \S+$")
_OURS = ("/var/task/handler/", "<frozen ")
_MODEL_FOLDER = re.compile(r'[^\s"]*/tmp/packager/[0-9a-f]{64}/')
_TASK_FOLDER = re.compile(r'[^\s"]*/packager-task-[^/]+/task/')
_FRAMES = 4
"""Shown of a traceback: the last ones, where it was raised."""
_LINES = 8
"""Shown of a log without a traceback."""


def model_failure(log: str) -> str | None:
    """Return what the handler logged when it could not load the model."""
    record = _last(log, "model_failed")
    return None if record is None else str(record.get("message"))


def own_traceback(log: str) -> list[str]:
    """Return the last lines of the function's own traceback; without one, of its log.

    Of the handler's frames none: what the model's code or its libraries raised, and where.
    """
    log = _TASK_FOLDER.sub("/var/task/", _MODEL_FOLDER.sub("", log))
    printed = _RECORD.sub("", log)
    entries = [entry for entry in _ENTRY.split(printed) if _TRACEBACK in entry]
    if entries:
        return _root_cause(entries[-1])
    failed = _last(log, "model_failed")
    if failed is not None:
        return _root_cause(str(failed.get("traceback")))
    invocation = _last(log, "invocation")
    if invocation is not None and isinstance(invocation.get("error"), list):
        return _first_cause([str(line) for line in invocation["error"]])
    return [line for line in printed.splitlines() if line.strip()][-_LINES:]


def _records(log: str) -> Iterator[dict[str, Any]]:
    for match in _RECORD.finditer(log):
        try:
            yield json.loads(match[0])
        except ValueError:
            continue


def _last(log: str, kind: str) -> dict[str, Any] | None:
    found = [record for record in _records(log) if record.get("type") == kind]
    return found[-1] if found else None


def _root_cause(text: str) -> list[str]:
    """Return frames and error of the first traceback in a chain, which is what began it."""
    first = _CHAIN.split(text.partition(_TRACEBACK)[2])[0]
    frames: list[list[str]] = []
    rest: list[str] = []
    for line in first.rstrip().splitlines():
        if _FRAME.match(line):
            frames.append([line])
            rest = []
        elif frames and not rest and line.startswith("    "):
            frames[-1].append(line)
        else:
            rest.append(line)
    shown = [frame for frame in frames if not _is_ours(_FRAME, frame[0])]
    return [*(line for frame in shown[-_FRAMES:] for line in frame), *rest]


def _first_cause(lines: list[str]) -> list[str]:
    """Return places and type of what the invocation's record names last, the first cause."""
    start = max(number for number, line in enumerate(lines) if line[:1] != " ")
    places = [line for line in lines[start + 1 :] if not _is_ours(_PLACE, line)]
    return [*places[-_FRAMES:], lines[start]]


def _is_ours(pattern: re.Pattern[str], line: str) -> bool:
    found = pattern.match(line)
    return found is not None and found["file"].startswith(_OURS)
