"""Looks at a tree of libraries from within: what each module's names stand for, and so on.

    python deferred.py WHAT ROOT OUTPUT [BEFORE]

Runs in an interpreter that has that tree and nothing else.
"""

import contextlib
import functools
import importlib
import io
import json
import os
import pickle
import pkgutil
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LIBRARIES = ("joblib", "lightgbm", "mlflow", "narwhals", "scipy", "skops", "sklearn", "xgboost")
# What the trimming rules name, and what runs when it is imported.
NOT_MEANT = frozenset(
    (
        *("tests", "test", "conftest", "__main__", "setup"),
        *("_precompute", "_build_utils", "data", "descr", "images"),
    )
)
CONSTANTS = (int, float, str, bool, bytes, type(None))


def module_names(root: str) -> list[str]:
    def walk(folder: str, prefix: str) -> Iterator[str]:
        for module in pkgutil.iter_modules([folder]):
            name = prefix + module.name
            if module.name in NOT_MEANT or name.partition(".")[0] not in LIBRARIES:
                continue
            yield name
            if module.ispkg:
                yield from walk(os.path.join(folder, module.name), f"{name}.")  # noqa: PTH118

    return list(walk(root, ""))


def describe(value: object) -> str:
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__}"
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    name = getattr(value, "__qualname__", None)
    if isinstance(name, str):
        return f"{kind} {getattr(value, '__module__', None)}.{name}"
    return f"{kind} {value!r}" if type(value) in CONSTANTS else kind


def attempt(get: Callable[[], object]) -> str:
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return describe(get())
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


def names(root: str, order: str, before: dict[str, dict[str, str]] | None) -> dict[str, Any]:
    """Return what each name of each module stands for.

    :param before: of the names found in the other tree; then those are asked for.
    """
    found: dict[str, dict[str, str]] = {}
    modules = module_names(root)
    for name in modules if order == "forward" else reversed(modules):
        outcome = attempt(functools.partial(importlib.import_module, name))
        found[name] = {"": outcome}
        if outcome.startswith("module"):
            found[name] |= {key: describe(value) for key, value in own_names(name)}
    # Only now: the modules that somebody's import used to bring have had their chance.
    for name, wanted in (before or {}).items():
        for key in wanted.keys() - found[name].keys():
            found[name][key] = attempt(functools.partial(getattr, sys.modules[name], key))
    deferred = {name: len(vars(sys.modules[name])["__deferred__"].imports) for name in modules
                if "__deferred__" in vars(sys.modules.get(name, types))}  # fmt: skip
    return {"names": found, "deferred": deferred}


def own_names(module: str) -> list[tuple[str, object]]:
    return [
        (name, value)
        for name, value in vars(sys.modules[module]).items()
        if not (name.startswith("__") and name.endswith("__"))
    ]


def alone(root: str) -> dict[str, str]:
    """Return what comes of importing each module first, in a process of its own."""
    import multiprocessing.pool
    import unittest.mock

    import numpy.testing
    import pandas

    del multiprocessing, numpy, pandas, unittest  # what takes long, once for all
    outcomes = {}
    for name in module_names(root):
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            outcome = attempt(functools.partial(importlib.import_module, name))
            module = sys.modules.get(name, types)
            deferred = vars(module).get("__deferred__")
            failed = [
                f"{key}: {result}"
                for key in (deferred.imports if deferred else ())
                if "Error: " in (result := attempt(functools.partial(getattr, module, key)))
            ]
            os.write(writer, "; ".join([outcome, *failed]).encode()[:60_000])
            os._exit(0)
        os.close(writer)
        with open(reader, encoding="utf-8") as pipe:  # noqa: PTH123
            outcomes[name] = pipe.read()
        os.waitpid(child, 0)
    return outcomes


def fit(folder: str) -> list[str]:
    from fitted import fitted_models  # beside this file

    models = fitted_models()
    for name, model in models.items():
        Path(folder, f"{name}.pickle").write_bytes(pickle.dumps(model))
    return list(models)


def predictions(folder: str) -> dict[str, str]:
    """Return the predictions of pickled models, as hexadecimal bytes."""
    answers = {}
    for path in sorted(Path(folder).glob("*.pickle")):
        model, rows = pickle.loads(path.read_bytes())
        for method in ("predict", "predict_proba", "decision_function"):
            if hasattr(model, method):
                answers[f"{path.stem}.{method}"] = getattr(model, method)(rows).tobytes().hex()
    return answers


def main() -> None:
    warnings.simplefilter("ignore")
    what, root, output, *rest = sys.argv[1:]
    sys.path.insert(0, root)
    result: Any
    if what == "alone":
        result = alone(root)
    elif what == "fit":
        result = fit(rest[0])
    elif what == "predictions":
        result = predictions(rest[0])
    else:
        before = json.loads(Path(rest[0]).read_bytes())["names"] if rest else None
        result = names(root, what, before)
    Path(output).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
