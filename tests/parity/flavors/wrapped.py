"""Give a model's loader and MLflow's own wrapper the same odd data: run where the libraries are.

    python wrapped.py FOLDER

FOLDER has `model/` and `info.json`, the fields of the handler's `ModelInfo`. Prints as JSON what
the two made of each input where it is not the same: type, dtype and values, or the error's type,
message and status.
"""

import importlib
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd

from handler.manifest import ModelInfo

VALUES = np.random.default_rng(3).normal(size=(5, 4))


def inputs() -> Iterator[tuple[str, Any, dict[str, Any] | None]]:
    """Yield name, data and params; the models of the savers take four numbers."""
    single = VALUES.astype(np.float32)
    frame = pd.DataFrame(VALUES, columns=list("abcd"), index=[9, 4, 5, 1, 0])
    yield "float32", single, None
    yield "float64", VALUES, None
    yield "integers", VALUES.astype(np.int64), None
    yield "no rows", single[:0], None
    yield "a frame with an index of its own", frame, None
    yield "a frame of one row", frame.iloc[:1], {}
    yield "columns of one name", pd.DataFrame(VALUES, columns=list("aabc")), None
    yield "a frame of text", pd.DataFrame({"a": ["x"]}), None
    yield "lists", single.tolist(), None
    yield "a dict", {"x": single}, None
    yield "text", "x", None
    yield "nothing", None, None
    yield "a device", single, {"device": "cpu"}
    yield "a param", single, {"scale": 2.0}
    yield "an unknown param", single, {"nonsense": 2.0}


def outcome(predict: Callable[[], Any]) -> list[Any]:
    try:
        predicted = predict()
    except Exception as error:
        status = getattr(error, "status", None) or getattr(error, "get_http_status_code", int)
        name = type(error).__name__.replace("MlflowException", "ModelRefusal")
        return [name, str(error), status() if callable(status) else status]
    if isinstance(predicted, pd.DataFrame):
        return ["DataFrame", str(predicted.dtypes.to_list()), predicted.to_json(orient="split")]
    values = np.asarray(predicted)
    return [type(predicted).__name__, str(values.dtype), values.tolist()]


def main(folder: Path) -> None:
    info = ModelInfo(**json.loads((folder / "info.json").read_text()))
    loader = importlib.import_module(f"handler.loaders.{info.flavor}")
    ours = loader.load(folder / "model", info)
    theirs = mlflow.pyfunc.load_model(str(folder / "model"))._model_impl
    takes_params = "params" in inspect.signature(theirs.predict).parameters
    different = {}
    for name, data, params in inputs():
        more = {"params": params} if takes_params else {}
        of_both = [
            outcome(lambda data=data, params=params: ours.predict(data, params)),
            outcome(lambda data=data, more=more: theirs.predict(data, **more)),
        ]
        if of_both[0] != of_both[1]:
            different[name] = of_both
    sys.stdout.write(f"\n{json.dumps(different)}\n")  # the libraries may have begun a line


if __name__ == "__main__":
    main(Path(sys.argv[1]))
