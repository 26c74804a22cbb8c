import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from handler.host.background import Background


def test_it_runs_beside_what_follows() -> None:
    may_end = threading.Event()

    def work() -> str:
        assert may_end.wait(10)
        return threading.current_thread().name

    running = Background(work)
    may_end.set()  # had it run in this thread, it would still wait
    assert running.result() != threading.current_thread().name


def test_it_runs_once_and_everybody_gets_the_result() -> None:
    calls: list[int] = []

    def work() -> list[int]:
        calls.append(1)
        return calls

    running = Background(work)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: running.result(), range(20)))
    assert results == [[1]] * 20


def test_what_it_raises_is_raised_where_the_result_is_asked_for() -> None:
    def work() -> None:
        raise FileNotFoundError("model.pkl")

    running = Background(work)
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match=r"model\.pkl"):
            running.result()


def test_even_an_exit_is_the_callers() -> None:
    running = Background(lambda: sys.exit(3))
    with pytest.raises(SystemExit):
        running.result()


def test_a_process_that_ends_does_not_wait_for_it() -> None:
    code = (
        "import threading; from handler.host.background import Background;"
        " Background(threading.Event().wait); print('over')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=dict(os.environ),
    )
    assert done.stdout == "over\n"
