"""Save a model with real MLflow, and let MLflow answer a request: run in the saver's environment.

    python logged.py save SAVER VARIANT FOLDER
    python logged.py answer FOLDER

The first writes `model/`, `requests.json` (one scoring request with 200 random rows, or 200 with
one each) and `versions.json` (of all that is installed) into FOLDER. The second, a process that
knows no more than what was saved, writes `expected.json`: what MLflow's scoring server answers.
"""

import base64
import importlib.metadata
import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ROWS = 200
SEED = 7


def save(saver_path: str, variant: str, folder: str) -> None:
    saver = load_saver(Path(saver_path))
    saver.MODELS[variant](Path(folder) / "model")
    params = getattr(saver, "PARAMS", {}).get(variant)
    rows = saver.rows(variant, ROWS, SEED)
    requests = [scoring_request(part, params) for part in (rows if is_parts(rows) else [rows])]
    (Path(folder) / "requests.json").write_text(json.dumps(requests))
    installed = {item.name: item.version for item in importlib.metadata.distributions()}
    (Path(folder) / "versions.json").write_text(json.dumps(installed))


def load_saver(path: Path) -> ModuleType:
    import cloudpickle

    name = f"saver_{path.stem}"  # `sklearn` is taken
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # As cloudpickle does with a user's own script, whose module nobody else can import.
    cloudpickle.register_pickle_by_value(module)
    return module


def scoring_request(rows: Any, params: dict[str, Any] | None) -> dict[str, Any]:
    """Return the request that carries exactly these rows.

    :param rows: a DataFrame, an array, a dict of arrays, or what JSON can hold.
    """
    if hasattr(rows, "to_dict"):
        document = {"dataframe_split": plain(rows.to_dict(orient="split", index=False))}
    else:
        document = {"inputs": plain(rows)}
    return document if params is None else document | {"params": params}


def is_parts(rows: Any) -> bool:
    """Tell whether each DataFrame of a list is a request: of a time series MLflow takes one row."""
    return isinstance(rows, list) and all(hasattr(part, "to_dict") for part in rows)


def plain(value: Any) -> Any:
    """Return the value as JSON's own types, numbers with all of their bits."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if isinstance(value, float) and math.isnan(value) else value


def answer(folder: str) -> None:
    import mlflow.pyfunc
    from mlflow.pyfunc.scoring_server import invocations

    model = mlflow.pyfunc.load_model(str(Path(folder) / "model"))
    schema = model.metadata.get_input_schema()
    answers = []
    for request in json.loads((Path(folder) / "requests.json").read_text()):
        answered = invocations(json.dumps(request), "application/json", model, schema)
        assert answered.status == 200, answered.response
        answers.append(answered.response)
    (Path(folder) / "expected.json").write_text(f"[{','.join(answers)}]")


if __name__ == "__main__":
    {"save": save, "answer": answer}[sys.argv[1]](*sys.argv[2:])
