from typing import Any

import pandas as pd
import pytest

from handler.errors import HandlerError
from tests.support.scorers import column, received

DOUBLES = column("array", "x", items={"type": "double"})
LONGS = column("array", "x", items={"type": "array", "items": {"type": "long"}})
POINT = column(
    "object",
    "x",
    properties={
        "p": {"type": "string", "required": True},
        "q": {"type": "double", "required": False},
    },
)
COUNTS = column("map", "x", values={"type": "long"})
ANYTHING = column("any", "x")


@pytest.mark.parametrize(
    ("item", "given"),
    [
        (DOUBLES, [1.5, 2.0]),
        (DOUBLES, []),
        (LONGS, [[1, 2], [3]]),
        (POINT, {"p": "x"}),
        (POINT, {"p": "x", "q": 1}),
        (POINT, {"p": "x", "q": None}),
        (COUNTS, {"k": 1}),
        (ANYTHING, {"whatever": [1, "x", None]}),
        (column("sparkml_vector", "x"), [0.5, 1.5]),
    ],
)
def test_nested_values_reach_the_model(item: dict[str, Any], given: Any) -> None:
    frame = received({"dataframe_records": [{"x": given}]}, item)
    assert frame["x"].iloc[0] == given


def test_missing_datetimes_in_a_list_are_not_integers() -> None:
    item = column("array", "x", items={"type": "datetime"})
    frame = received({"dataframe_records": [{"x": [None, None]}]}, item)
    assert [pd.isna(cell) for cell in frame["x"].iloc[0]] == [True, True]


def test_optional_nested_columns_may_be_null_or_empty() -> None:
    for item, empty in ((DOUBLES, []), (POINT, {}), (COUNTS, {}), (DOUBLES, None), (POINT, None)):
        optional = {**item, "required": False}
        records = [{"x": empty, "key": 1.0}]
        frame = received({"dataframe_records": records}, optional, column("double", "key"))
        assert frame["x"].iloc[0] == empty


@pytest.mark.parametrize(
    ("item", "given", "reason"),
    [
        (DOUBLES, [1, 2], "write the numbers with a decimal point"),
        (DOUBLES, 1.5, "a list was expected, not a float"),
        (DOUBLES, ["a", 1.5], "a value is no number"),
        (LONGS, [[1.5]], "float64 cannot be converted to long without loss"),
        (POINT, {"q": 1.5}, "the object lacks 'p'"),
        (POINT, {"p": "x", "z": 1}, "the object has 'z', which it must not"),
        (POINT, {"p": 1}, "in 'p': int64 cannot be converted to string"),
        (POINT, {"p": ["x"]}, "in 'p': string was expected, not a list"),
        (POINT, "x", "an object was expected, not a string"),
        (COUNTS, [1], "an object was expected, not a list"),
    ],
)
def test_nested_values_that_do_not_fit_are_refused(
    item: dict[str, Any], given: Any, reason: str
) -> None:
    with pytest.raises(HandlerError) as caught:
        received({"dataframe_records": [{"x": given}]}, item)
    assert caught.value.status == 400
    assert reason in caught.value.message
