"""The judge's process: MLflow's own scoring app, asked over stdin and answering over stdout.

Started by `judging.py` with the judge's MLflow first on the path. A frame is a JSON object
`{"save": name, "folder": ...}` or `{"ask": request, "folder": ...}`.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import mlflow
import mlflow.pyfunc
from mlflow.pyfunc.scoring_server import init

from .exchange import Request, ask, read_frame, write_frame
from .savers import save_model


class Court:
    """The models that were loaded, each behind MLflow's app."""

    def __init__(self) -> None:
        self._apps: dict[str, Any] = {}
        self._loop = asyncio.new_event_loop()

    def serve(self, order: dict[str, Any]) -> dict[str, Any]:
        folder = order["folder"]
        if "save" in order:
            save_model(order["save"], Path(folder))
            return {}
        if folder not in self._apps:
            self._apps[folder] = init(mlflow.pyfunc.load_model(folder))
        asked = order["ask"]
        asked["body"] = asked["body"].encode("latin-1")
        answer = ask(self._apps[folder], self._loop, Request(**asked))
        return {
            "status": answer.status,
            "content_type": answer.content_type,
            "body": answer.body.decode("latin-1"),
        }


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever libraries print must not mix with the answers
    write_frame(answers, json.dumps({"mlflow": mlflow.__version__}).encode())
    court = Court()
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        write_frame(answers, json.dumps(court.serve(json.loads(frame))).encode())


if __name__ == "__main__":
    main()
