"""Talks to the judge: MLflow 3.18.0 in a process of its own.

Its wheel holds all of MLflow's code, but pins parts that the package index may lack. So the
wheel alone lies in `.tools/judge`, and everything under it (pandas, numpy, scikit-learn) is
the development environment's: what is compared is the protocol, not the libraries.
"""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.commands import ROOT

from .exchange import Answer, Request, read_frame, write_frame

JUDGE = ROOT / ".tools" / "judge"
VERSION = "3.18.0"


class Judge:
    """MLflow's scoring server for any number of model folders; a context manager.

    :param log: a file for what MLflow prints.
    """

    def __init__(self, log: Path) -> None:
        if not (JUDGE / "mlflow").is_dir():
            raise RuntimeError("the judge is not installed: make .tools/judge/.installed")
        path = os.pathsep.join([str(JUDGE), str(ROOT)])
        self._log = log
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", f"{__package__}.judge"],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": path, "MLFLOW_DISABLE_TELEMETRY": "true"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        self.version: str = self._read()["mlflow"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)

    def save(self, name: str, folder: Path) -> None:
        """Save a model of the catalog with MLflow."""
        self._order({"save": name, "folder": str(folder)})
        self._read()

    def ask(self, folder: Path, request: Request) -> Answer:
        """Return MLflow's answer to a request for the model in a folder."""
        return self.asked(folder, request)()

    def asked(self, folder: Path, request: Request) -> Callable[[], Answer]:
        """Hand in a request; the function that is returned waits for MLflow's answer."""
        asked = dataclasses.asdict(request) | {"body": request.body.decode("latin-1")}
        self._order({"ask": asked, "folder": str(folder)})
        return self._answer

    def _answer(self) -> Answer:
        answer = self._read()
        return Answer(**answer | {"body": answer["body"].encode("latin-1")})

    def _order(self, order: dict[str, Any]) -> None:
        write_frame(self._process.stdin, json.dumps(order).encode())

    def _read(self) -> dict[str, Any]:
        frame = read_frame(self._process.stdout)
        if frame is None:
            raise RuntimeError(f"the judge died: {self._log.read_text()[-3000:]}")
        return json.loads(frame)
