"""Ask the model of the skeleton that we run in for its input, convert it, and tell what came of it.

`python -m converter '{"engine": "arrays", "tolerance": 0, "rows": 10000, "rewrites": true}'` in the
model's own environment; prints a :class:`Findings` as JSON, and leaves what is made of the model in
its folder. Where the engine is null the model is only asked. With status 4 it cannot be loaded, and
why is what is printed.
"""

import dataclasses
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handler.manifest import MODEL_FOLDER, EngineInfo, read_manifest
from handler.requests.scorer import Scorer

from .engine_choice import choose_engine
from .learned import learned_by
from .loading import NOT_LOADABLE_STATUS, NotLoadable, load
from .sample import Sample, find_sample


@dataclass(frozen=True)
class Findings:
    """What came of it."""

    engine: EngineInfo
    sample: Sample


def main(request: dict[str, Any]) -> Findings:
    """Return what was found for the model in the working directory."""
    task_root = Path.cwd()
    info = read_manifest(task_root).model
    predictor: Any = load(task_root / MODEL_FOLDER, info)
    model = getattr(predictor, "model", None)
    learned = learned_by(model, info.predict_fn)
    sample = Sample()
    if info.input_example is None:
        sample = find_sample(Scorer(predictor, info), info, learned)
    if request["engine"] is None:
        return Findings(EngineInfo(), sample)
    engine = choose_engine(
        predictor,
        info,
        wanted=request["engine"],
        tolerance=request["tolerance"],
        count=request["rows"],
        rewrites=request["rewrites"],
        folder=task_root,
        learned=learned,
    )
    return Findings(engine, sample)


if __name__ == "__main__":
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever the model's code prints
    with answer:
        try:
            answer.write(json.dumps(dataclasses.asdict(main(json.loads(sys.argv[1])))))
        except NotLoadable as failure:
            answer.write(json.dumps(failure.facts))
            sys.exit(NOT_LOADABLE_STATUS)
