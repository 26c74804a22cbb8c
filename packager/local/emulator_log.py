"""Read what the Lambda runtime interface emulator writes.

On stderr, at log level info, it tells when the init phase and an invocation ended; its
stdout is the function's own output between START, END and REPORT lines. The figures in
REPORT are not used: the emulator counts init as part of the first duration and repeats
the configured memory as the used one.
"""

import re
from dataclasses import dataclass

_INIT_START = re.compile(r"\(rapid\) INIT START\(")
_INIT_REPORT = re.compile(r"\(rapid\) INIT REPORT\(durationMs: ([\d.]+)\)")
_INVOKE_DONE = re.compile(r"\(rapid\) INVOKE RTDONE\(.*duration: ([\d.]+)ms\)")
_INVOKE_FAILED = re.compile(r"\(rapid\) (?:Invoke|Init) failed")
_PLATFORM_LINE = re.compile(r"^(?:START|END|REPORT) RequestId: [0-9a-f-]{36}\b.*$\n?", re.M)
_END_LINE = re.compile(r"^END RequestId: ", re.M)


@dataclass(frozen=True)
class InvocationReport:
    """What the emulator's log says about one invocation."""

    is_finished: bool
    """The emulator has written all it will write about this invocation."""
    is_cold_start: bool
    init_duration_ms: float | None
    """None: the invocation was warm."""
    duration_ms: float | None
    """Of the handler alone, without init; None: it did not end by itself."""


def parse_report(text: str) -> InvocationReport:
    """Return the facts in the part of the log that one invocation added."""
    durations = _INVOKE_DONE.findall(text)
    # After a failed init the emulator reports a second, empty one.
    inits = [float(value) for value in _INIT_REPORT.findall(text)]
    return InvocationReport(
        is_finished=bool(durations) or _INVOKE_FAILED.search(text) is not None,
        is_cold_start=_INIT_START.search(text) is not None,
        init_duration_ms=max(inits, default=None),
        duration_ms=float(durations[-1]) if durations else None,
    )


def has_end(text: str) -> bool:
    """Tell whether the output holds an invocation's last line."""
    return _END_LINE.search(text) is not None


def function_output(text: str) -> str:
    """Return what the function printed, without the platform's own lines."""
    # The runtime client separates the lines of a traceback by carriage returns, which
    # CloudWatch shows as one record.
    return _PLATFORM_LINE.sub("", text).replace("\r", "\n")
