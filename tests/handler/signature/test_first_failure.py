import pytest

from handler.signature.first_failure import first_failure


@pytest.mark.parametrize("bad", [{0}, {6}, {3, 5}, {2, 3, 4}])
def test_first_bad_item_is_found(bad: set[int]) -> None:
    def attempt(count: int) -> None:
        if bad & set(range(count)):
            raise ValueError

    assert first_failure(7, attempt) == min(bad)


def test_nothing_bad_is_nothing_found() -> None:
    assert first_failure(7, lambda count: None) is None


def test_a_million_items_take_few_attempts() -> None:
    attempts: list[int] = []

    def attempt(count: int) -> None:
        attempts.append(count)
        if count > 654_321:
            raise ValueError

    assert first_failure(1_000_000, attempt) == 654_321
    assert len(attempts) < 25
