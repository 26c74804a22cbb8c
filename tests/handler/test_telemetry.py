import io
import json
import logging
from contextlib import redirect_stdout
from datetime import datetime
from types import SimpleNamespace

import pytest

from handler.telemetry import StepTimer, Telemetry, trace

from .conftest import Log


class Clock:
    """Goes on by one second at each look."""

    now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 1
        return self.now_s


def test_an_invocation_is_one_line_with_everything_known(log: Log) -> None:
    telemetry = Telemetry(write=lambda line: log.lines.append(json.loads(line)), clock=Clock())
    invocation = telemetry.start(SimpleNamespace(aws_request_id="request-1"))
    invocation.method, invocation.path = "POST", "/invocations"
    invocation.status, invocation.rows = 200, 2
    with telemetry.scoring(invocation):
        pass
    telemetry.finish(invocation)
    (line,) = log.lines
    assert datetime.fromisoformat(line.pop("timestamp")).tzinfo is not None
    assert line == {
        "level": "INFO",
        "type": "invocation",
        "request_id": "request-1",
        "kind": "http",
        "method": "POST",
        "path": "/invocations",
        "status": 200,
        "rows": 2,
        "duration_ms": 3000.0,
        "score_ms": 1000.0,
        "cold_start": True,
    }


@pytest.mark.parametrize(
    ("has_cold_start", "expected"), [(True, [True, False]), (False, [False] * 2)]
)
def test_only_the_first_invocation_is_a_cold_start(
    log: Log, has_cold_start: bool, expected: list[bool]
) -> None:
    telemetry = Telemetry(
        has_cold_start=has_cold_start, write=lambda line: log.lines.append(json.loads(line))
    )
    for _ in range(2):
        telemetry.finish(telemetry.start())
    assert [line["cold_start"] for line in log.lines] == expected


@pytest.mark.parametrize(
    ("arn", "resource"),
    [
        ("arn:aws:lambda:eu-west-1:123456789012:function:my-rf", "my-rf"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:my-rf:live", "my-rf:live"),
        ("arn:aws-cn:lambda:cn-north-1:123456789012:function:my-rf:7", "my-rf:7"),
        (None, "my-rf"),
    ],
)
def test_errors_are_counted_for_the_alias_or_version_that_was_asked(
    log: Log, arn: str | None, resource: str
) -> None:
    telemetry = Telemetry(
        function_name="my-rf", write=lambda line: log.lines.append(json.loads(line))
    )
    telemetry.finish(telemetry.start(SimpleNamespace(invoked_function_arn=arn)))
    (line,) = log.lines
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["FunctionName", "Resource"]]
    assert (line["FunctionName"], line["Resource"]) == ("my-rf", resource)
    assert line["PredictionErrors"] == 1


@pytest.mark.parametrize(("status", "level"), [(200, "INFO"), (400, "INFO"), (500, "ERROR")])
def test_the_level_follows_the_status(
    telemetry: Telemetry, log: Log, status: int, level: str
) -> None:
    invocation = telemetry.start()
    invocation.status = status
    telemetry.finish(invocation)
    assert log.lines[0]["level"] == level


def test_an_invocation_without_an_answer_counts_as_failed(telemetry: Telemetry, log: Log) -> None:
    telemetry.finish(telemetry.start())
    assert log.lines[0]["status"] == 500


def test_the_scoring_is_measured_when_it_fails(telemetry: Telemetry) -> None:
    invocation = telemetry.start()
    with pytest.raises(ValueError, match="no"), telemetry.scoring(invocation):
        raise ValueError("no")
    assert invocation.score_ms is not None


def test_the_steps_of_the_init_are_measured_also_when_one_fails() -> None:
    timer = StepTimer(Clock())
    with timer.step("fetch"):
        pass
    with pytest.raises(OSError, match="no"), timer.step("load"):
        raise OSError("no")
    assert timer.steps_ms == {"fetch": 1000.0, "load": 1000.0}


@pytest.mark.parametrize(
    ("outcome", "level"), [("ready", "INFO"), ("model_unavailable", "ERROR"), ("failed", "ERROR")]
)
def test_the_init_is_one_line_with_its_steps(
    telemetry: Telemetry, log: Log, outcome: str, level: str
) -> None:
    telemetry.init_finished(outcome, {"fetch": 1.5})  # type: ignore[arg-type]
    (line,) = log.lines
    assert (line["type"], line["outcome"], line["level"]) == ("init", outcome, level)
    assert line["steps_ms"] == {"fetch": 1.5}


def test_a_line_reaches_stdout_as_one_json_document_past_the_logging_set_up() -> None:
    stdout = io.StringIO()
    handler = logging.StreamHandler(stdout)
    handler.setFormatter(logging.Formatter("decorated %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        with redirect_stdout(stdout):
            telemetry = Telemetry()
            telemetry.model_failed(ValueError("two\nlines"))
            telemetry.finish(telemetry.start())
    finally:
        logging.getLogger().removeHandler(handler)
    lines = stdout.getvalue().splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["model_failed", "invocation"]


def test_a_trace_has_types_and_places_but_not_the_texts_of_the_errors() -> None:
    def inner() -> None:
        raise KeyError("secret-1")

    try:
        try:
            inner()
        except KeyError as error:
            raise ValueError("secret-2") from error
    except ValueError as error:
        lines = trace(error)
    assert lines[0] == "builtins.ValueError"
    assert "builtins.KeyError" in lines
    assert lines[-1].endswith(" inner")
    assert "test_telemetry.py:" in lines[-1]
    assert "secret" not in "".join(lines)


def test_a_trace_of_errors_that_go_in_a_circle_ends() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert len(trace(first)) == 100
