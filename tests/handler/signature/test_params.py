import datetime
import json
from typing import Any

import pytest

from handler.errors import ConfigError, InvalidParams
from tests.support.scorers import Recorder, column, scorer

PARAMS = [
    {"name": "k", "default": 1.5, "shape": None, "type": "double"},
    {"name": "n", "default": 2, "shape": None, "type": "long"},
    {"name": "flag", "default": False, "shape": None, "type": "boolean"},
    {"name": "words", "default": ["a"], "shape": [-1], "type": "string"},
    {"name": "when", "default": "2024-01-01T00:00:00", "shape": None, "type": "datetime"},
    {
        "name": "more",
        "default": {"a": 1},
        "shape": None,
        "type": "object",
        "properties": {"a": {"type": "long", "required": True}},
    },
]
DEFAULTS = {
    "k": 1.5,
    "n": 2,
    "flag": False,
    "words": ["a"],
    "when": datetime.datetime(2024, 1, 1),
    "more": {"a": 1},
}


def params_for(given: Any, schema: list[dict[str, Any]] | None = PARAMS) -> dict[str, Any] | None:
    model = Recorder()
    body = {"inputs": [1.0], "params": given} if given is not None else {"inputs": [1.0]}
    scorer(model, column("double"), params=schema).score(json.dumps(body).encode(), None)
    return model.params


def test_defaults_fill_what_the_request_leaves_out() -> None:
    assert params_for(None) == DEFAULTS
    assert params_for({"k": 10}) == {**DEFAULTS, "k": 10.0}


def test_unknown_params_are_dropped() -> None:
    assert params_for({"temperature": 1}) == DEFAULTS


def test_without_a_schema_nothing_reaches_the_model() -> None:
    assert params_for(None, schema=None) is None
    assert params_for({"k": 1}, schema=None) == {}
    assert params_for([1], schema=None) == {}


def test_dates_and_nulls_are_taken() -> None:
    assert params_for({"when": "2024-05-06"}) == {**DEFAULTS, "when": datetime.date(2024, 5, 6)}
    assert params_for({"k": None}) == {**DEFAULTS, "k": None}


def test_a_model_cannot_spoil_the_defaults() -> None:
    class Spoiler(Recorder):
        def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
            assert params is not None
            self.params = {"words": list(params["words"])}
            params["words"].append("spoilt")

    model = Spoiler()
    target = scorer(model, column("double"), params=PARAMS)
    for _ in range(2):
        target.score(b'{"inputs": [1.0]}', None)
    assert model.params == {"words": ["a"]}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "must be an object, not a list"),
        ({"k": "high"}, "'k': double was expected, not a string"),
        ({"k": True}, "'k': double was expected, not a boolean"),
        ({"n": 1.0}, "'n': long was expected, not a float"),
        ({"flag": 1}, "'flag': boolean was expected, not an integer"),
        ({"words": "a"}, "'words': a list of string was expected, not a string"),
        ({"words": [["a"]]}, "'words': a flat list of string was expected"),
        ({"when": 5}, "'when': it is no ISO 8601 datetime"),
        ({"when": "NaT"}, "'when': it is no ISO 8601 datetime"),
        ({"when": "soon"}, "'when': it is no ISO 8601 datetime"),
        ({"more": {}}, "'more': the object lacks 'a'"),
        ({"k": "x", "n": "y"}, "'k': double was expected, not a string; 'n': long"),
    ],
)
def test_params_that_do_not_fit_are_all_named(given: Any, reason: str) -> None:
    with pytest.raises(InvalidParams) as caught:
        params_for(given)
    assert reason in caught.value.message
    assert (caught.value.status, caught.value.error_code) == (400, "INVALID_PARAMETER_VALUE")


def test_unreadable_params_schema_is_found_at_start() -> None:
    with pytest.raises(ConfigError, match="params schema"):
        params_for(None, [{"name": "k", "default": 1, "shape": None, "type": "any"}])
