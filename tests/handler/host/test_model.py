import threading
from collections.abc import Callable
from typing import Any

import pytest

from handler.errors import (
    InitError,
    ModelFetchError,
    ModelLoadError,
    ModelUnavailable,
    SignatureMismatch,
)
from handler.host.model import ModelHost
from handler.telemetry import Telemetry
from tests.handler.conftest import Log

SCORER: Any = object()  # the host only keeps it


class Clock:
    """A clock that a test moves."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Loader:
    """Raises what is in `failures` first, then loads; counts the attempts."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.attempts = 0

    def __call__(self) -> Any:
        self.attempts += 1
        if self.failures:
            raise self.failures.pop(0)
        return SCORER


S3_IS_DOWN = "S3 cannot be reached"


def down(times: int) -> Loader:
    return Loader(*(ModelFetchError(S3_IS_DOWN) for _ in range(times)))


def test_the_model_is_loaded_once(telemetry: Telemetry, log: Log) -> None:
    load = Loader()
    host = ModelHost(load, telemetry=telemetry)
    assert not host.is_ready
    host.start()
    assert host.is_ready
    assert host.scorer() is SCORER
    assert host.scorer() is SCORER
    assert load.attempts == 1
    assert log.lines == []


def test_a_failed_load_says_what_failed_and_when_to_come_back_and_the_log_says_why(
    telemetry: Telemetry, log: Log
) -> None:
    host = ModelHost(down(2), telemetry=telemetry, clock=Clock())
    host.start()
    with pytest.raises(ModelUnavailable) as caught:
        host.scorer()
    assert "could not be fetched" in caught.value.message
    assert S3_IS_DOWN in log.of("model_failed")[0]["message"]
    assert caught.value.status == 503
    assert caught.value.retry_after_s == 1
    assert not host.is_ready


def test_the_invocation_after_a_failed_init_tries_again(telemetry: Telemetry, log: Log) -> None:
    host = ModelHost(down(1), telemetry=telemetry, clock=Clock())
    host.start()
    assert host.scorer() is SCORER
    assert host.is_ready
    assert [line["attempts"] for line in log.of("model_recovered")] == [2]


def test_the_waits_between_attempts_double_up_to_thirty_seconds(telemetry: Telemetry) -> None:
    clock, load = Clock(), down(99)
    host = ModelHost(load, telemetry=telemetry, clock=clock)
    host.start()
    waits_s = []
    for _ in range(8):
        before = load.attempts
        with pytest.raises(ModelUnavailable) as caught:
            host.scorer()
        assert load.attempts == before + 1
        waits_s.append(caught.value.retry_after_s)
        clock.now_s += caught.value.retry_after_s - 0.5
        with pytest.raises(ModelUnavailable) as early:
            host.scorer()
        assert load.attempts == before + 1
        assert early.value.retry_after_s == 1
        clock.now_s += 0.5
    assert waits_s == [1, 2, 4, 8, 16, 30, 30, 30]


def test_the_model_heals_when_the_cause_goes_away(telemetry: Telemetry) -> None:
    clock = Clock()
    host = ModelHost(down(2), telemetry=telemetry, clock=clock)
    host.start()
    with pytest.raises(ModelUnavailable):
        host.scorer()
    clock.now_s += 1
    assert host.scorer() is SCORER


def test_a_cause_is_logged_once_with_its_traceback(telemetry: Telemetry, log: Log) -> None:
    clock = Clock()
    load = Loader(
        ModelFetchError(S3_IS_DOWN),
        ModelFetchError(S3_IS_DOWN),
        ModelFetchError("access is denied"),
    )
    host = ModelHost(load, telemetry=telemetry, clock=clock)
    host.start()
    for _ in range(2):
        clock.now_s += 60
        with pytest.raises(ModelUnavailable):
            host.scorer()
    lines = log.of("model_failed")
    assert [line["message"] for line in lines] == [S3_IS_DOWN, "access is denied"]
    assert lines[0]["error"] == "ModelFetchError"
    assert lines[0]["level"] == "ERROR"
    assert "Traceback" in lines[0]["traceback"]
    assert "in __call__" in lines[0]["traceback"]


def test_an_init_that_is_kept_fails_with_the_cause(telemetry: Telemetry, log: Log) -> None:
    host = ModelHost(down(1), raise_at_init=True, telemetry=telemetry)
    with pytest.raises(ModelFetchError, match=S3_IS_DOWN):
        host.start()
    assert len(log.of("model_failed")) == 1


def test_an_init_that_is_kept_succeeds_with_the_model(telemetry: Telemetry) -> None:
    host = ModelHost(Loader(), raise_at_init=True, telemetry=telemetry)
    host.start()
    assert host.is_ready


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        (ImportError("No module named 'lightgbm'"), "ImportError: No module named 'lightgbm'"),
        (MemoryError(), "MemoryError: raise the function's MemorySize"),
        (SystemExit(3), "SystemExit: 3"),
        (ValueError("first line\nsecond line"), "ValueError: first line"),
        (ValueError(), "ValueError: "),
        (
            FileNotFoundError(2, "No such file", "/tmp/packager/ab12/model.pkl"),
            "FileNotFoundError: [Errno 2] No such file: 'model.pkl'",
        ),
        (OSError("cannot map /var/task/numpy.libs/lib.so: bad"), "OSError: cannot map lib.so: bad"),
        (ValueError("Invalid endpoint: http://s3/x"), "ValueError: Invalid endpoint: http://s3/x"),
        (SignatureMismatch("not for a load"), "not for a load"),
    ],
)
def test_any_failure_becomes_a_load_error_without_folders(
    telemetry: Telemetry, cause: BaseException, message: str
) -> None:
    host = ModelHost(Loader(cause), raise_at_init=True, telemetry=telemetry)
    with pytest.raises(InitError) as caught:
        host.start()
    assert isinstance(caught.value, ModelLoadError)
    assert caught.value.message == f"loading the model failed: {message}"
    assert caught.value.__cause__ is cause


def test_the_log_has_the_whole_cause(telemetry: Telemetry, log: Log) -> None:
    cause = FileNotFoundError(2, "No such file", "/tmp/packager/ab12/model.pkl")
    ModelHost(Loader(cause), telemetry=telemetry).start()
    assert "/tmp/packager/ab12/model.pkl" in log.of("model_failed")[0]["traceback"]


def test_a_request_to_stop_is_not_kept_back(telemetry: Telemetry) -> None:
    host = ModelHost(Loader(KeyboardInterrupt()), telemetry=telemetry)
    with pytest.raises(KeyboardInterrupt):
        host.start()


def in_threads(count: int, work: Callable[[], object]) -> list[object]:
    results: list[object] = []
    threads = [threading.Thread(target=lambda: results.append(work())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return results


def test_threads_that_come_while_the_model_loads_share_one_load(telemetry: Telemetry) -> None:
    attempts = []
    everybody_came = threading.Event()

    def load() -> Any:
        attempts.append(1)
        everybody_came.wait(0.2)  # nobody sets it: time for the others to arrive
        return SCORER

    host = ModelHost(load, telemetry=telemetry)
    assert in_threads(4, host.scorer) == [SCORER] * 4
    assert len(attempts) == 1
