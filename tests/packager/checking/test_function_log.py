"""What is shown of a function's log when a check fails."""

import json
from typing import Any

from packager.checking.function_log import model_failure, own_traceback

SHA = "ab" * 32
FRAMES = f"""\
Traceback (most recent call last):
  File "/tmp/packager-task-x1/task/handler/loaders/load.py", line 43, in load_model
    predictor = loader.load(folder, info)
  File "/tmp/packager-run-y2/tmp/packager/{SHA}/code/mymod.py", line 3, in predict
    return self.inner(data)
           ^^^^^^^^^^^^^^^^
  File "/var/lang/lib/python3.11/json/decoder.py", line 5, in inner
    return [1/0]
ZeroDivisionError: division by zero
  of two lines"""
OWN = [
    '  File "code/mymod.py", line 3, in predict',
    "    return self.inner(data)",
    "           ^^^^^^^^^^^^^^^^",
    '  File "/var/lang/lib/python3.11/json/decoder.py", line 5, in inner',
    "    return [1/0]",
    "ZeroDivisionError: division by zero",
    "  of two lines",
]
CHAINED = (
    f"{FRAMES}\n\nThe above exception was the direct cause of the following exception:\n\n"
    "Traceback (most recent call last):\n"
    '  File "/var/task/handler/host/model.py", line 9, in _try\n    self._load()\n'
    "handler.errors.ModelLoadError: it cannot be read"
)


def record(kind: str, **fields: Any) -> str:
    return json.dumps({"timestamp": "2026-12-01", "level": "ERROR", "type": kind, **fields})


def test_what_the_library_or_the_models_code_raised_is_shown_and_where() -> None:
    # As the runtime's client writes it: the next record follows without a line's end.
    log = f"[ERROR]\t2026\tloading model.pkl failed\n{FRAMES}{record('invocation', error=None)}\n"

    assert own_traceback(log) == OWN


def test_of_a_chain_it_is_what_began_it() -> None:
    log = record("model_failed", message="it cannot be read", traceback=CHAINED)

    assert own_traceback(log) == OWN
    assert model_failure(log) == "it cannot be read"


def test_where_only_places_were_logged_they_are_shown() -> None:
    error = [
        "handler.errors.PredictionError",
        "  /var/task/handler/requests/scorer.py:147 _predict",
        "builtins.ZeroDivisionError",
        "  /var/task/handler/loaders/sklearn.py:39 predict",
        f"  /tmp/packager/{SHA}/code/mymod.py:3 predict",
    ]

    shown = own_traceback(record("invocation", error=error))

    assert shown == ["  code/mymod.py:3 predict", "builtins.ZeroDivisionError"]


def test_a_function_that_died_shows_its_last_words() -> None:
    log = "".join(f"word {number}\n" for number in range(20)) + record("init", outcome="ready")

    assert own_traceback(log) == [f"word {number}" for number in range(12, 20)]
    assert own_traceback("") == []
    assert model_failure('{"timestamp": broken}') is None
