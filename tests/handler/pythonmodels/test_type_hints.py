"""Input is checked against a type hint as MLflow checks it, with MLflow's words."""

import copy
import random
import warnings
from collections.abc import Callable
from datetime import datetime
from typing import Any, Dict, List, Optional, Union, get_args, get_origin  # noqa: UP035

import numpy as np
import pandas as pd
import pydantic
import pytest

from handler.pythonmodels import exceptions, hints, wrapping

with warnings.catch_warnings():
    # MLflow warns of its own type hints.
    warnings.simplefilter("ignore")
    from mlflow.exceptions import MlflowException
    from mlflow.models.signature import _extract_type_hints
    from mlflow.protos.databricks_pb2 import ErrorCode
    from mlflow.pyfunc.utils import pyfunc

pytestmark = pytest.mark.filterwarnings("ignore")


class Point(pydantic.BaseModel):
    a: int
    b: Optional[str] = None  # noqa: UP045


class Line(pydantic.BaseModel):
    start: Point
    lengths: list[float] = []


class Free(pydantic.BaseModel):
    either: Union[int, str] = 1  # noqa: UP007
    points: dict[str, Point] = {}


class OptionalWithoutDefault(pydantic.BaseModel):
    a: int | None


class Empty(pydantic.BaseModel):
    pass


VALUES: dict[Any, list[Any]] = {
    int: [1, True, 2.0, "3", None],
    str: ["a", "", 1],
    bool: [True, 0],
    float: [1.5, 1, float("nan")],
    bytes: [b"x", "YWI=", "!", 3],
    datetime: ["2024-01-02T03:04:05", "bad", datetime(2024, 1, 1), pd.Timestamp("2024-01-01")],
    Any: [None, 1, "x", [1.5]],
    Point: [{"a": 1}, {"a": "1"}, {"a": 2, "b": None, "c": 3}, Point(a=3), {}, 5, None],
    Line: [{"start": {"a": 1}}, {"start": Point(a=1)}, {"start": 1}, Line(start=Point(a=1)), []],
    Free: [{}, {"either": "s"}, {"either": 1.5}, {"points": {"k": {"a": 1}}}],
}
RARE = [OptionalWithoutDefault, Empty, list, dict, List, Dict, set, object, np.int64]  # noqa: UP006
RARE += [np.ndarray, pd.DataFrame, type(None), datetime | None, Union[int, str, None]]  # noqa: UP007


def a_hint(choose: random.Random, depth: int) -> Any:
    """Return a hint; a few are such as MLflow refuses."""
    if depth == 0 or choose.random() < 0.45:
        return choose.choice(RARE if choose.random() < 0.1 else list(VALUES))
    inner = a_hint(choose, depth - 1)
    key = int if choose.random() < 0.1 else str
    wrappers: list[Callable[[], Any]] = [
        lambda: list[inner],
        lambda: List[inner],  # noqa: UP006
        lambda: dict[key, inner],
        lambda: Dict[key, inner],  # noqa: UP006
        lambda: Optional[inner],  # noqa: UP045
        lambda: Union[inner, int],  # noqa: UP007
    ]
    return choose.choice(wrappers)()


def a_value(choose: random.Random, hint: Any) -> Any:
    """Return what fits the hint, or nearly."""
    origin, args = get_origin(hint), get_args(hint)
    if choose.random() < 0.05:
        return choose.choice([None, 1, "x", {}, []])
    if origin is list and args:
        return [a_value(choose, args[0]) for _ in range(choose.choice([0, 1, 2, 8]))]
    if origin is dict and args:
        return {choose.choice(["k", "l", 1]): a_value(choose, args[1]) for _ in range(2)}
    if args:
        return a_value(choose, choose.choice(args))
    return choose.choice(VALUES.get(hint, [None, "x", {}]))


def a_table(choose: random.Random, value: Any) -> Any:
    """Return the value as a table, if it can be one."""
    try:
        match choose.randrange(6):
            case 0:
                return pd.DataFrame(value)
            case 1:
                return pd.DataFrame({"c": value})
            case 2:
                return pd.DataFrame({0: [np.asarray(item) for item in value]})
            case 3:
                return pd.DataFrame({"c": value, "d": np.arange(len(value))})
    except (TypeError, ValueError, AttributeError):
        pass
    return value


def functions() -> list[Callable[..., Any]]:
    """Return functions that return their input, in the forms that a `predict` has."""

    def plain(model_input):
        return model_input

    def method(self, model_input, params=None):
        return model_input

    def with_context(self, context, model_input, params=None):
        return model_input

    return [plain, method, with_context]


def outcome(decorate: Any, hint: Any, form: int, data: Any, *, by_name: bool) -> Any:
    function = functions()[form]
    function.__annotations__ = {"model_input": hint}
    try:
        decorated = decorate(function)
    except Exception as error:  # the message of this one nobody sees but who logs the model
        return type(error).__name__, error.error_code
    arguments = [None] * form
    try:
        if by_name:
            return repr(decorated(*arguments, model_input=data))
        return repr(decorated(*arguments, data))
    except Exception as error:
        facts = ("error_code", "sqlstate", "error_class", "json_kwargs")
        return type(error).__name__, str(error), *(getattr(error, fact) for fact in facts)


@pytest.mark.parametrize("seed", range(40))
def test_data_is_taken_converted_and_refused_as_by_mlflow(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setenv("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "true")
    choose = random.Random(seed)
    for _ in range(25):
        hint = a_hint(choose, 2)
        hint = hint if choose.random() < 0.1 else list[hint]
        data = a_table(choose, a_value(choose, hint))
        form, by_name = choose.randrange(3), choose.random() < 0.2
        theirs = outcome(pyfunc, hint, form, copy.deepcopy(data), by_name=by_name)
        ours = outcome(wrapping.pyfunc, hint, form, copy.deepcopy(data), by_name=by_name)
        assert ours == theirs, (hint, data)


def test_without_an_input_nothing_is_checked() -> None:
    @wrapping.pyfunc
    def predict(model_input: list[int] = [1]) -> list[int]:  # noqa: B006
        return model_input

    assert predict() == [1]


class Called:
    def __call__(self, model_input: list[int]) -> list[str]: ...


def by_text(model_input: "t.List[ str ]") -> "list[dict[str,str]]": ...  # noqa: F821


def by_unknown_text(model_input: "Unknown") -> "list[int]": ...  # noqa: F821


def broken(model_input: "1 / 0"): ...


def bare(model_input): ...


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize(
    "function", [Called(), by_text, by_unknown_text, broken, bare, functions()[2]]
)
def test_hints_are_read_as_by_mlflow(function: Any, index: int) -> None:
    def read(extract: Any) -> Any:
        try:
            found = extract(function, index)
        except Exception as error:
            return type(error).__name__, str(error)
        return found.input, found.output

    assert read(hints.extract_type_hints) == read(_extract_type_hints)


def facts(error: Any) -> list[Any]:
    names = ("error_code", "message", "sqlstate", "error_class", "json_kwargs")
    said = [error.get_http_status_code(), error.serialize_as_json(), str(error)]
    return [*(getattr(error, name) for name in names), *said]


@pytest.mark.parametrize("name", [*exceptions.ERROR_CODES, "IO_ERROR"])
@pytest.mark.parametrize("error_class", [None, "SCHEMA_ENFORCEMENT_FAILED", "MINE"])
def test_an_exception_says_what_mlflows_says(name: str, error_class: str | None) -> None:
    code = ErrorCode.Value(name)
    assert exceptions.ERROR_CODES.get(name, code) == code
    if name == "IO_ERROR":  # a model that names it gets MLflow itself
        code = 77
    told = {"error_class": error_class, "field": 1}
    ours = exceptions.MlflowException("words", code, **told)
    assert facts(ours) == facts(MlflowException("words", code, **told))
    ours = exceptions.MlflowException(ValueError("x"), sqlstate="KAM09")
    assert facts(ours) == facts(MlflowException(ValueError("x"), sqlstate="KAM09"))
