"""The comparison that all rows rely on sees what differs."""

from typing import Any

import pytest

from tests.parity.flavors.parity import largest_difference


def test_equal_answers_differ_by_nothing() -> None:
    answer = {"predictions": [{"a": 1, "b": [0.5, None, "x", True, float("nan"), -0.0]}]}
    assert largest_difference(answer, answer) == 0


@pytest.mark.parametrize(
    ("ours", "theirs", "difference"),
    [
        ([0.5], [0.5 + 1e-9], 1e-9),
        ([3e6], [2e6], 0.5),
        ([1.0, 2.0], [1.25, 2.0], 0.2),
        ([-0.0], [0.0], 2.3e-308),
    ],
)
def test_floats_may_differ_by_a_number(ours: Any, theirs: Any, difference: float) -> None:
    assert largest_difference(ours, theirs) == pytest.approx(difference)


def test_only_below_the_keys_that_are_tolerated_floats_may_differ() -> None:
    theirs = {"predictions": [{"yhat": 2.0, "yhat_lower": [1.0]}]}
    drawn = {"predictions": [{"yhat": 2.0, "yhat_lower": [1.5]}]}
    wrong = {"predictions": [{"yhat": 2.0000001, "yhat_lower": [1.0]}]}

    assert largest_difference(drawn, theirs, ["yhat_lower"]) == 0.5
    with pytest.raises(AssertionError, match=r"\$\.predictions\[0\]\.yhat: 2\.0000001 instead"):
        largest_difference(wrong, theirs, ["yhat_lower"])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([1], [1.0]),
        ([True], [1]),
        ([1], [2]),
        (["a"], ["b"]),
        ([1.0], [1.0, 1.0]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([None], [0.0]),
        ([float("inf")], [1.0]),
        ([float("nan")], [1.0]),
        ([1.0], [float("nan")]),
    ],
)
def test_everything_else_is_equal_or_wrong(ours: Any, theirs: Any) -> None:
    with pytest.raises(AssertionError, match="instead of MLflow's"):
        largest_difference(ours, theirs)
