"""Finding the place of a bad value, so that an error can name it without quoting it."""

from collections.abc import Callable


def first_failure(count: int, attempt: Callable[[int], object]) -> int | None:
    """Return the position of the first item that makes an attempt fail; None if none does.

    :param count: how many items there are.
    :param attempt: tries the first `n` items and raises if one of them is bad. Called about
        log2(count) times.
    """
    if count == 0 or not _fails(attempt, count):
        return None
    good, bad = 0, count
    while bad - good > 1:
        middle = (good + bad) // 2
        if _fails(attempt, middle):
            bad = middle
        else:
            good = middle
    return bad - 1


def _fails(attempt: Callable[[int], object], count: int) -> bool:
    try:
        attempt(count)
    except Exception:
        # Any exception is a failure here: pandas and numpy raise many types.
        return True
    return False
