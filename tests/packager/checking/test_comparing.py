from typing import Any

import pytest

from packager.checking.comparing import compare


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ({"predictions": [0, 1]}, {"predictions": [0, 1]}),
        ({"predictions": [[0.1, 0.9]]}, {"predictions": [[0.10000000001, 0.9]]}),
        ([1e-17], [0.0]),
        ([float("nan"), None, "a", True], [float("nan"), None, "a", True]),
    ],
)
def test_the_same_predictions_agree(found: Any, wanted: Any) -> None:
    comparison = compare(found, wanted)

    assert comparison.mismatch is None
    assert comparison.largest_difference <= 1e-6


@pytest.mark.parametrize(
    ("found", "wanted", "where"),
    [
        ({"predictions": [0, 2]}, {"predictions": [0, 1]}, "predictions[1]: 2 instead of 1"),
        ([1.00001], [1.0], "[0]: 1.00001 instead of 1.0"),
        ([1], [1.0], "[0]: 1 instead of 1.0"),
        (["a"], ["b"], "[0]: 'a' instead of 'b'"),
        ([1, 2], [1], "the answer: 2 items instead of 1"),
        ([{"a": 1}], [{"b": 1}], "[0]: keys ['a'] instead of ['b']"),
        ([float("nan")], [1.0], "[0]: nan instead of 1.0"),
        ([float("inf")], [1.0], "[0]: inf instead of 1.0"),
        ([True], [1], "[0]: True instead of 1"),
    ],
)
def test_a_difference_is_shown_where_it_is(found: Any, wanted: Any, where: str) -> None:
    assert compare(found, wanted).mismatch == where


def test_the_largest_difference_is_relative() -> None:
    comparison = compare([100.0, 2.0], [101.0, 2.1])

    assert comparison.largest_difference == pytest.approx(0.1 / 2.1)
    assert comparison.values == 2


def test_what_the_source_draws_at_random_is_not_compared() -> None:
    found = {"yhat": [1.0, 2.0], "lower": [0.3, 0.9], "words": ["a", "b"]}
    wanted = {"yhat": [1.0, 2.0], "lower": [0.1, 0.2], "words": ["a"]}
    again = {"yhat": [1.0, 2.0000000001], "lower": [0.4, 0.7], "words": ["c", "d"]}

    comparison = compare(found, wanted, again)

    assert comparison.mismatch is None
    assert comparison.values == 2
    assert comparison.random_values == 3
    assert comparison.largest_difference == 0.0


def test_what_the_source_says_twice_is_still_compared() -> None:
    comparison = compare([0.3, 2.5, "a"], [0.1, 2.0, "a"], [0.2, 2.0, "b"])

    assert comparison.mismatch == "[1]: 2.5 instead of 2.0"


def test_a_value_of_another_type_is_no_randomness() -> None:
    assert compare(["a"], [0.1], [0.2]).mismatch == "[0]: 'a' instead of 0.1"
