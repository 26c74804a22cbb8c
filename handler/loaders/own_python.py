"""Loads a model in its own Python, which Lambda no longer has: in a process beside this one.

The process is started when the model is loaded, and anew at the next prediction after it ended.
It reads what it is asked from a pipe (`handler.ownpython`), so it ends with the function.
"""

import contextlib
import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handler.errors import (
    HandlerError,
    ModelLoadError,
    ModelProcessDied,
    ModelRefusal,
    PredictionError,
)
from handler.loaders.python_function import as_in_example
from handler.manifest import MODEL_PYTHON_VARIABLE, OWN_PACKAGES_FOLDER, ModelInfo
from handler.ownpython import values

_TASK_ROOT = Path(__file__).resolve().parents[2]
_WORKER = Path("handler", "ownpython", "worker.py")
# Without what somebody installed into that Python: the bundle has all that the model needs.
_OPTIONS = ("-S",) if (_TASK_ROOT / OWN_PACKAGES_FOLDER).is_dir() else ("-s",)
_END_TIMEOUT_S = 5
# They are about the packages and libraries of the function's Python.
_OF_OUR_PYTHON = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


class OwnPythonPredictor:
    """A model in a process with its own Python. Safe for use by several threads."""

    def __init__(self, folder: Path, info: ModelInfo) -> None:
        self._folder = folder
        self._what = info.data_path or "the model"
        self._example = info.options.get("example")
        self._python = _interpreter(info, os.environ)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._start()

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return what the model returns; params reach it where it takes them.

        :raises ModelRefusal: the model raised an exception of MLflow's.
        :raises PredictionError: it raised another one.
        :raises ModelProcessDied: its process ended.
        """
        if self._example is not None:
            data = as_in_example(data, self._example)
        question = values.pack(data), values.pack(params)
        with self._lock:
            if self._process is not None and self._process.poll() is not None:
                self._end(self._process)
            process = self._process or self._start()
            try:
                outcome, answer = _ask(process, question)
            except (OSError, EOFError) as error:
                status = self._end(process)
                raise ModelProcessDied(
                    f"The process with the model ended ({status}) while it predicted; the next"
                    " request starts another. The function's log may say why."
                ) from error
            except BaseException:
                self._end(process)  # what is still in the pipe answers this question
                raise
        if outcome == "raised":
            raise _raised(answer)
        return values.unpack(answer)

    @property
    def pid(self) -> int | None:
        """Of the process; None while there is none."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """End the process; the next prediction would start another."""
        with self._lock:
            if self._process is not None:
                self._end(self._process)

    def _start(self) -> "subprocess.Popen[bytes]":
        """Start the process and wait for the model.

        :raises ModelLoadError: there is no such Python, or the model cannot be loaded.
        """
        try:
            process = subprocess.Popen(
                [str(self._python), *_OPTIONS, str(_TASK_ROOT / _WORKER), str(self._folder)],
                env=_variables(self._python, os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError as error:
            raise ModelLoadError(
                f"the model's own Python cannot be started: {error.strerror}: {self._python}"
            ) from error
        try:
            outcome, answer = _ask(process)
        except (OSError, EOFError) as error:
            status = self._end(process)
            raise ModelLoadError(
                f"the process with the model's own Python ended ({status}) while it loaded"
                f" {self._what}"
            ) from error
        if outcome == "raised":
            self._end(process)
            raise _not_loaded(answer, self._what)
        self._process = process
        return process

    def _end(self, process: "subprocess.Popen[bytes]") -> str:
        """Make sure that the process has ended and return how, in words."""
        self._process = None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            status = process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        return f"signal {-status}" if status < 0 else f"status {status}"


def load(folder: Path, info: ModelInfo) -> OwnPythonPredictor:
    """Return the model, loaded in its own Python.

    :raises ModelLoadError: there is no such Python, or the model cannot be loaded.
    """
    return OwnPythonPredictor(folder, info)


def import_ahead(info: ModelInfo) -> None:
    """Import what requests become, while the model's files are on their way."""
    import pandas  # noqa: F401 - the first request needs it


def _ask(process: "subprocess.Popen[bytes]", question: Any = None) -> tuple[str, Any]:
    """Return the next answer; to no question it is whether the model is loaded."""
    assert process.stdin is not None
    assert process.stdout is not None
    if question is not None:
        values.send(process.stdin, question)
    outcome, answer = values.receive(process.stdout)
    return outcome, answer


def _interpreter(info: ModelInfo, environ: Mapping[str, str]) -> Path:
    named = environ.get(MODEL_PYTHON_VARIABLE)
    return Path(named or f"/opt/python{info.own_python}/bin/python{info.own_python}")


def _variables(python: Path, environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name not in _OF_OUR_PYTHON}
    packages = _TASK_ROOT / OWN_PACKAGES_FOLDER
    libraries = (packages, packages / "lib")
    return kept | {
        "PYTHONPATH": str(packages),
        # Beside the packages lies what the image's system lacks.
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries)),
    }


def _raised(facts: dict[str, Any]) -> HandlerError:
    refusal = facts["refusal"]
    if refusal is None:
        return PredictionError.raised(facts["type"])
    return ModelRefusal(
        refusal["message"],
        status=refusal["status"],
        error_code=refusal["error_code"],
        # MLflow before 3.17 has neither of the two.
        sqlstate=refusal["sqlstate"] or HandlerError.sqlstate,
        error_class=refusal["error_class"] or HandlerError.error_class,
        extra=refusal["extra"],
    )


def _not_loaded(facts: dict[str, Any], what: str) -> ModelLoadError:
    if facts["missing_module"]:
        return ModelLoadError.without_module(what, facts["missing_module"])
    if facts["missing_file"]:
        return ModelLoadError(
            f"loading {what} needs a file that is not there: {facts['missing_file']}"
        )
    return ModelLoadError(
        f"{what} cannot be loaded in its own Python ({facts['type']}): is the file whole, and was"
        " the model saved with the versions in the bundle?"
    )
