"""Run one function beside what follows."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar, cast

T = TypeVar("T")


class Background(Generic[T]):
    """A function that runs on a thread of its own, from now on.

    The thread is a daemon: a process that ends does not wait for it. The result may be asked
    for often, and from any thread.

    :param function: called once, without arguments.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._value: T | None = None
        self._error: BaseException | None = None
        # Not concurrent.futures: it waits for its threads when the process ends.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def ends_within(self, timeout_s: float) -> bool:
        """Wait for the function, so long at most; tell whether it has ended."""
        self._thread.join(max(timeout_s, 0.0))
        return not self._thread.is_alive()

    def result(self) -> T:
        """Wait for the function, then return what it returned or raise what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return cast("T", self._value)

    def _run(self) -> None:
        try:
            self._value = self._function()
        except BaseException as error:
            self._error = error
