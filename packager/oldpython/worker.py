"""Load a logged model and tell of it, in its own Python and among its own libraries.

`python -m handler.loaders.oldpython.worker '{"flavor": ..., "path": ..., ...}'`, by
`stand_ins.Session`. Nothing but numpy is needed, and what the model imports; the syntax is
Python 3.6's. Answers each request until there is no other.
"""

import importlib
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from .exchange import receive, send

_SUMS_BY_JOB = "sklearn.ensemble._bagging"


class _Objects:
    """What the other side has been told of: it knows each by a number."""

    def __init__(self) -> None:
        self._known = []  # type: list[Any]
        self._numbers = {}  # type: dict[int, int]

    def refer(self, value: Any) -> "dict[str, Any]":
        """Return a description by which the other side asks for the object again."""
        number = self._numbers.setdefault(id(value), len(self._known))
        if number == len(self._known):
            self._known.append(value)  # kept: another object must not get its id
        kind = type(value)
        return {
            "number": number,
            "module": kind.__module__,
            "name": kind.__qualname__,
            "is_callable": callable(value),
        }

    def find(self, description: "dict[str, Any]") -> Any:
        """Return the object that the other side means."""
        return self._known[description["number"]]


def main(request: "dict[str, Any]") -> None:
    """Answer on what was standard output; what the model prints goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    questions, objects = sys.stdin.buffer, _Objects()
    warnings.simplefilter("ignore")  # of being old, and of rows that are odd on purpose
    answer = _attempt(_load, request)
    while True:
        send(answers, answer, objects.refer)
        try:
            verb, arguments = receive(questions, objects.find)
        except EOFError:
            return
        answer = _attempt(_VERBS[verb], *arguments)


def _attempt(function: Any, *arguments: Any) -> Any:
    try:
        return ["done", function(*arguments)]
    except Exception as error:  # whatever a library raises is its answer
        return ["raised", [type(error).__name__, str(error)]]


def _load(request: "dict[str, Any]") -> Any:
    """Return the model, and what predicts as MLflow's flavor does."""
    if request["code_path"] is not None:
        sys.path.insert(0, request["code_path"])
    model = _read(request)
    _run_one_by_one(model, set())
    return model, _predicting(model, request)


def _read(request: "dict[str, Any]") -> Any:
    saved_as, path = request["format"], request["path"]
    if request["flavor"] == "xgboost":
        module, _, name = request["model_class"].rpartition(".")
        model = getattr(importlib.import_module(module), name)()
        model.load_model(path)
        return model
    if saved_as == "lgb":
        return importlib.import_module("lightgbm").Booster(model_file=path)
    if saved_as == "joblib":
        return importlib.import_module("joblib").load(path)
    if saved_as == "skops":
        return importlib.import_module("skops.io").load(path, trusted=request["trusted"])
    with open(path, "rb") as file:  # noqa: PTH123
        name = "cloudpickle" if saved_as == "cloudpickle" else "pickle"
        return importlib.import_module(name).load(file)


def _predicting(model: Any, request: "dict[str, Any]") -> Any:
    """Return what predicts, as the handler's loader of the flavor has it."""
    if request["flavor"] == "xgboost" and type(model).__name__ == "Booster":
        matrix = importlib.import_module("xgboost").DMatrix
        return lambda data: model.predict(matrix(data), validate_features=True)
    return getattr(model, request["predict_fn"])


def _run_one_by_one(part: Any, seen: "set[int]") -> None:
    """Set `n_jobs` to 1: threads add up in any order, and bits are compared.

    As `handler/loaders/jobs.py`, which this Python cannot read.
    """
    if isinstance(part, dict):
        part = list(part.values())
    if isinstance(part, (list, tuple)):
        for member in part:
            _run_one_by_one(member, seen)
        return
    kind = type(part).__module__
    if id(part) in seen or not kind.startswith("sklearn.") or not hasattr(part, "__dict__"):
        return
    seen.add(id(part))
    if getattr(part, "n_jobs", None) is not None and kind != _SUMS_BY_JOB:
        part.n_jobs = 1
    for value in list(vars(part).values()):
        _run_one_by_one(value, seen)


def _call(function: Any, arguments: Any, options: Any) -> Any:
    return function(*arguments, **options)


def _as_json(booster: Any) -> bytes:
    """Return an XGBoost Booster in XGBoost's JSON; those before 1.6 only write it to a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        booster.save_model(str(path))
        return path.read_bytes()


_VERBS = {  # type: dict[str, Any]
    "get": getattr,
    "call": _call,
    "import": importlib.import_module,
    "as_json": _as_json,
}

if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
