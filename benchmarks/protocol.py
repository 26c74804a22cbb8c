"""What a scoring request costs beside the model: ours against MLflow's own, in CPU time.

    python -m benchmarks.protocol [--json]

Both sides get the same bytes and return the answer's JSON: parse, enforce the signature,
predict, serialise. The model is trivial, so what is measured is the protocol. MLflow's side is
`scoring_server.invocations`, the function behind its `/invocations` route. The two take turns
within one process, so that a slow moment of the machine meets both.
"""

import argparse
import json
import logging
import math
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from handler.manifest import ModelInfo
from handler.requests.scorer import Scorer

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

COLUMNS = 30
SIZES = (1, 100, 10_000)
FORMATS = ("dataframe_split", "dataframe_records", "inputs", "instances")
_CASE_BUDGET_S = 6.0
_MIN_ROUNDS = 3
_MAX_ROUNDS = 400

_JSON = "application/json"
_NAMES = [f"column_{index}" for index in range(COLUMNS)]

Side = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Result:
    """One size of one format."""

    format: str
    rows: int
    rounds: int
    mlflow_ms: float
    """Median CPU time of a request."""
    ours_ms: float

    @property
    def ratio(self) -> float:
        """How many of our requests fit into one of MLflow's."""
        return self.mlflow_ms / self.ours_ms


class FirstColumn:
    """A model without a cost: it answers with its first column."""

    def predict(self, data: "pd.DataFrame", params: object = None) -> "np.ndarray[Any, Any]":
        return data[_NAMES[0]].to_numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    as_json = parser.parse_args().json
    ours, theirs = our_side(), mlflow_side()
    results = [measure(name, rows, ours, theirs) for name in FORMATS for rows in SIZES]
    print(json.dumps([_record(result) for result in results]) if as_json else table(results))


def our_scorer() -> Scorer:
    """Return our scorer for the model of doubles."""
    inputs = [{"type": "double", "name": name, "required": True} for name in _NAMES]
    info = ModelInfo(
        flavor="sklearn",
        data_path="model.pkl",
        serialization_format="pickle",
        signature={"inputs": inputs, "outputs": None, "params": None},
    )
    return Scorer(FirstColumn(), info)


def our_side() -> Side:
    """Return what our handler does with a body."""
    scorer = our_scorer()
    return lambda body: scorer.score(body, _JSON).body


def mlflow_side() -> Side:
    """Return what MLflow's scoring server does with a body."""
    # Imported here: it takes seconds, and `--help` needs none of it.
    from mlflow.models import Model, ModelSignature
    from mlflow.pyfunc import PyFuncModel, scoring_server
    from mlflow.types import ColSpec, Schema

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    signature = ModelSignature(inputs=Schema([ColSpec("double", name) for name in _NAMES]))
    meta = Model(signature=signature, flavors={"python_function": {"loader_module": "none"}})
    model = PyFuncModel(meta, FirstColumn())
    schema = meta.get_input_schema()
    return lambda body: scoring_server.invocations(body, _JSON, model, schema).response.encode()


def request_body(name: str, rows: int) -> bytes:
    """Return a request of random doubles: the same at each run."""
    randomness = random.Random(rows)
    table = [[randomness.gauss(0, 100) for _ in _NAMES] for _ in range(rows)]
    records = [dict(zip(_NAMES, row, strict=True)) for row in table]
    payloads: dict[str, Any] = {
        "dataframe_split": {"columns": _NAMES, "data": table},
        "dataframe_records": records,
        "inputs": {name: [row[index] for row in table] for index, name in enumerate(_NAMES)},
        "instances": records,
    }
    return json.dumps({name: payloads[name]}).encode()


def measure(name: str, rows: int, ours: Side, theirs: Side) -> Result:
    """Return the medians of one request, both sides in turn until the time is used up.

    :raises AssertionError: the answers differ, so there is nothing to compare.
    """
    body = request_body(name, rows)
    assert ours(body) == theirs(body), f"{name}, {rows} rows: the answers differ"
    times_s: tuple[list[float], list[float]] = ([], [])
    end_s = time.monotonic() + _CASE_BUDGET_S
    while len(times_s[0]) < _MAX_ROUNDS:
        if len(times_s[0]) >= _MIN_ROUNDS and time.monotonic() > end_s:
            break
        for side, spent_s in zip((ours, theirs), times_s, strict=True):
            started_s = time.process_time()
            side(body)
            spent_s.append(time.process_time() - started_s)
    our_s, mlflow_s = map(median, times_s)
    return Result(name, rows, len(times_s[0]), mlflow_s * 1000, our_s * 1000)


def table(results: list[Result]) -> str:
    """Return the results as a Markdown table, and how the sizes did over all formats."""
    lines = [
        "| request | rows | MLflow ms | ours ms | ratio | rounds |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {r.format} | {r.rows:,} | {r.mlflow_ms:.2f} | {r.ours_ms:.3f} | {r.ratio:.1f} |"
        f" {r.rounds} |"
        for r in results
    ]
    for rows in SIZES:
        ratios = [r.ratio for r in results if r.rows == rows]
        mean = math.prod(ratios) ** (1 / len(ratios))
        lines.append(f"{rows:,} rows: {mean:.1f} in the geometric mean, {min(ratios):.1f} at least")
    return "\n".join(lines)


def _record(result: Result) -> dict[str, Any]:
    return {**asdict(result), "ratio": result.ratio}


if __name__ == "__main__":
    main()
