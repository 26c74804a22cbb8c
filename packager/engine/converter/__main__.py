"""Convert the model of the skeleton that we run in, and tell what came of it.

`python -m converter '{"engine": "arrays", "tolerance": 0, "rows": 10000, "rewrites": true}'` in the
model's own environment; prints `handler.manifest.EngineInfo` as JSON, and leaves what is made of
the model in its folder. Without an engine the model is only loaded. With status 4 it cannot be
loaded, and why is what is printed.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

from handler.manifest import MODEL_FOLDER, EngineInfo, read_manifest

from .engine_choice import choose_engine
from .loading import NOT_LOADABLE_STATUS, NotLoadable, load


def main(request: dict[str, Any]) -> EngineInfo:
    """Return the engine that was chosen for the model in the working directory."""
    task_root = Path.cwd()
    info = read_manifest(task_root).model
    predictor = load(task_root / MODEL_FOLDER, info)
    if request["engine"] is None:
        return EngineInfo()
    return choose_engine(
        predictor,
        info,
        wanted=request["engine"],
        tolerance=request["tolerance"],
        count=request["rows"],
        rewrites=request["rewrites"],
        folder=task_root,
    )


if __name__ == "__main__":
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever the model's code prints
    with answer:
        try:
            answer.write(json.dumps(dataclasses.asdict(main(json.loads(sys.argv[1])))))
        except NotLoadable as failure:
            answer.write(json.dumps(failure.facts))
            sys.exit(NOT_LOADABLE_STATUS)
