"""The process that runs the model in its own Python, as MLflow of that age loads it.

`python3.8 handler/ownpython/worker.py MODEL_FOLDER` reads messages from standard input and
answers each on standard output; what the model prints goes to standard error, which is the
function's log. It ends when its input does. The first answer tells whether the model is loaded;
then `(data, params)` is answered by the predictions. An answer is `("done", packed)`, or
`("raised", facts)` with what :func:`_facts` says of an exception.

The signature is enforced by then, in the process that asks.

Source: `mlflow.pyfunc.load_model` and `PyFuncModel.predict`, MLflow 1.13 to 3.
"""

import importlib
import inspect
import os
import sys
import traceback
from typing import Any, Callable, Dict, Optional, Tuple


def main(folder: str) -> None:
    """Load the model in this folder and predict until there is nobody to ask."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    values = _values()
    try:
        predict = _load(folder)
    # A model's own code may raise anything, and call sys.exit.
    except (Exception, SystemExit) as error:
        values.send(answers, ("raised", _facts(error)))
        return
    values.send(answers, ("done", None))
    while True:
        try:
            data, params = values.receive(requests)
        except EOFError:
            return
        values.send(answers, _answer(values, predict, data, params))


def _values() -> Any:
    """Return the module that is shared with the other process, and hide where it is.

    This file's folder is in front of `sys.path`: nothing there may hide a module of the model's,
    nor may the packages around it, which are another Python's.
    """
    folder = sys.path.pop(0)
    sys.path.insert(0, os.path.dirname(os.path.dirname(folder)))
    values = importlib.import_module("handler.ownpython.values")
    del sys.path[0]
    return values


def _answer(values: Any, predict: Callable[..., Any], data: Any, params: Any) -> Tuple[str, Any]:
    try:
        return "done", values.pack(predict(values.unpack(data), values.unpack(params)))
    except (Exception, SystemExit) as error:
        return "raised", _facts(error)


def _load(folder: str) -> Callable[[Any, Any], Any]:
    """Return what predicts for data and params."""
    for name, value in _VARIABLES.items():
        os.environ.setdefault(name, value)
    importlib.import_module("mlflow.pyfunc")  # some loaders take it for imported
    models = importlib.import_module("mlflow.models")
    section = models.Model.load(os.path.join(folder, "MLmodel")).flavors["python_function"]
    if section.get("code"):
        sys.path.insert(0, os.path.join(folder, section["code"]))
    path = os.path.join(folder, section["data"]) if section.get("data") else folder
    loader = importlib.import_module(section["loader_module"])
    config = section.get("config")
    model = loader._load_pyfunc(path, config) if config else loader._load_pyfunc(path)
    method = getattr(model, section.get("predict_fn") or "predict")
    if _takes_params(method):
        return lambda data, params: method(data, params=params)
    return lambda data, params: method(data)


def _takes_params(method: Callable[..., Any]) -> bool:
    try:
        parameter = inspect.signature(method).parameters.get("params")
    except (TypeError, ValueError):
        return False
    return parameter is not None and parameter.kind is not inspect.Parameter.VAR_KEYWORD


def _facts(error: BaseException) -> Dict[str, Any]:
    """Return what the other process must know of an exception; the log has its traceback."""
    traceback.print_exception(type(error), error, error.__traceback__)
    sys.stderr.flush()
    return {
        "type": type(error).__name__,
        "missing_module": getattr(error, "name", None) if _is_missing(error) else None,
        "missing_file": _missing_file(error),
        "refusal": _refusal(error),
    }


def _is_missing(error: BaseException) -> bool:
    return isinstance(error, ImportError) and type(error).__name__ == "ModuleNotFoundError"


def _missing_file(error: BaseException) -> Optional[str]:
    if isinstance(error, FileNotFoundError) and error.filename is not None:
        return os.path.basename(os.fsdecode(error.filename))
    return None


def _refusal(error: BaseException) -> Optional[Dict[str, Any]]:
    """Return how the model refuses a request, if it does: by an exception of MLflow's."""
    exceptions = sys.modules.get("mlflow.exceptions")
    if exceptions is None or not isinstance(error, exceptions.MlflowException):
        return None
    extra = getattr(error, "json_kwargs", None) or {}
    return {
        "message": str(getattr(error, "message", error)),
        "status": int(error.get_http_status_code()),
        "error_code": str(error.error_code),
        "sqlstate": getattr(error, "sqlstate", None),
        "error_class": getattr(error, "error_class", None),
        "extra": {str(key): _plain(value) for key, value in extra.items()},
    }


def _plain(value: Any) -> Any:
    return value if type(value) in (type(None), bool, int, float, str) else str(value)


_VARIABLES = {
    # Lambda has no semaphores, of which joblib makes its processes: threads do.
    "JOBLIB_MULTIPROCESSING": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "_MLFLOW_IS_IN_SERVING_ENVIRONMENT": "true",
}


if __name__ == "__main__":
    main(sys.argv[1])
