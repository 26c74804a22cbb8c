"""One JSON line on stdout for the init, and one for each invocation.

Lambda sends stdout to CloudWatch Logs as it is, so a line is a record there. No line holds
request data: of an error that a request caused only its type and the code's own lines are
kept, for the text of such an error often quotes a value.
"""

import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Level = Literal["INFO", "WARN", "ERROR"]
METRIC_NAMESPACE = "Packager"
"""Of the metrics that CloudWatch takes from the log lines."""
ERRORS_METRIC = "PredictionErrors"
"""1 for an invocation that ended with a status of 500 or more, else 0: Lambda's own metric
`Errors` stays 0, for Mangum makes answers of exceptions."""

InitOutcome = Literal["ready", "fetching", "model_unavailable", "failed"]


@dataclass
class Invocation:
    """What becomes known of one invocation while it runs."""

    started_s: float
    """On the clock of its `Telemetry`."""
    request_id: str | None = None
    resource: str | None = None
    """Who was asked: the function's name, with `:ALIAS` or `:VERSION` where one was named."""
    kind: str = "http"
    """`http`, `warmup`, or what came instead."""
    method: str | None = None
    path: str | None = None
    """The route; None if no route matches, for any other path may hold data."""
    status: int = 500
    rows: int | None = None
    score_ms: float | None = None
    error_code: str | None = None
    error: list[str] | None = None
    """See `trace`."""


@dataclass
class StepTimer:
    """Measures the steps of the init."""

    clock: Callable[[], float] = time.perf_counter
    steps_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the time that the block takes, also when it fails."""
        started_s = self.clock()
        try:
            yield
        finally:
            self.steps_ms[name] = round((self.clock() - started_s) * 1000, 2)


def write_stdout(line: str) -> None:
    """Write a line at once.

    Not by `logging` and not by `print`: awslambdaric formats the records of the one, and the
    other writes the line's end separately.
    """
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Telemetry:
    """Writes the function's log lines.

    :param function_name: the dimension of its metrics; None: it writes none.
    :param has_cold_start: False where the init happens long before the first invocation.
    :param write: takes one line without its end.
    :param clock: seconds, monotonic.
    """

    def __init__(
        self,
        *,
        function_name: str | None = None,
        has_cold_start: bool = True,
        write: Callable[[str], None] = write_stdout,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._function_name = function_name
        self._is_cold = has_cold_start
        self._write = write
        self._clock = clock

    def start(self, context: object = None, kind: str = "http") -> Invocation:
        """Return the record of an invocation that begins now.

        :param context: Lambda's, of the invocation.
        """
        request_id = getattr(context, "aws_request_id", None)
        # arn:aws:lambda:REGION:ACCOUNT:function:NAME, and the qualifier behind another colon.
        parts = str(getattr(context, "invoked_function_arn", "")).split(":", 6)
        resource = parts[6] if len(parts) == 7 else self._function_name
        return Invocation(self._clock(), request_id, resource, kind)

    def finish(self, invocation: Invocation) -> None:
        """Write the invocation's line."""
        fields: dict[str, Any] = {
            "request_id": invocation.request_id,
            "kind": invocation.kind,
            "method": invocation.method,
            "path": invocation.path,
            "status": invocation.status,
            "rows": invocation.rows,
            "duration_ms": self._since_ms(invocation.started_s),
            "score_ms": invocation.score_ms,
            "cold_start": self._is_cold,
        }
        self._is_cold = False
        if invocation.error_code:
            fields["error_code"] = invocation.error_code
        if invocation.error:
            fields["error"] = invocation.error
        is_error = invocation.status >= 500
        if self._function_name:
            fields |= _errors_metric(self._function_name, invocation.resource, is_error)
        self._line("ERROR" if is_error else "INFO", "invocation", fields)

    @contextmanager
    def scoring(self, invocation: Invocation) -> Iterator[None]:
        """Measure the block as the invocation's scoring."""
        started_s = self._clock()
        try:
            yield
        finally:
            invocation.score_ms = self._since_ms(started_s)

    def init_finished(self, outcome: InitOutcome, steps_ms: dict[str, float]) -> None:
        """Write the init's line."""
        level: Level = "INFO" if outcome in ("ready", "fetching") else "ERROR"
        self._line(level, "init", {"outcome": outcome, "steps_ms": steps_ms})

    def model_failed(self, error: Exception) -> None:
        """Write why the model is not there, with the whole traceback."""
        text = "".join(traceback.format_exception(error))
        fields = {"error": type(error).__name__, "message": str(error), "traceback": text}
        self._line("ERROR", "model_failed", fields)

    def model_recovered(self, attempts: int) -> None:
        """Write that the model is there after all.

        :param attempts: all of them, the successful one included.
        """
        self._line("INFO", "model_recovered", {"attempts": attempts})

    def _since_ms(self, started_s: float) -> float:
        return round((self._clock() - started_s) * 1000, 2)

    def _line(self, level: Level, kind: str, fields: dict[str, Any]) -> None:
        # Lambda filters lines by level if they have these two names (JSON log format).
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._write(json.dumps({"timestamp": now, "level": level, "type": kind, **fields}))


def _errors_metric(function_name: str, resource: str | None, is_error: bool) -> dict[str, Any]:
    """Return the fields that make a log line a metric too.

    Its dimensions are those of Lambda's own metrics of aliases and versions: so an alarm on the
    live alias does not ring for a version that is tested and answers nobody yet.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    directive = {
        "Namespace": METRIC_NAMESPACE,
        "Dimensions": [["FunctionName", "Resource"]],
        "Metrics": [{"Name": ERRORS_METRIC, "Unit": "Count"}],
    }
    return {
        "FunctionName": function_name,
        "Resource": resource,
        ERRORS_METRIC: int(is_error),
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
    }


def trace(error: BaseException) -> list[str]:
    """Return the types and code lines of an error and its causes, first cause last.

    Without the errors' own texts, which often quote the request.
    """
    lines: list[str] = []
    current: BaseException | None = error
    while current is not None and len(lines) < 100:
        lines.append(f"{type(current).__module__}.{type(current).__qualname__}")
        frames = traceback.extract_tb(current.__traceback__)
        lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-20:]]
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return lines
