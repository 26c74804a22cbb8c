"""Write a large range of an object into a file by several connections at once.

One connection to S3 gives a function 50 to 100 MB/s, several give more.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html
"""

import os
import threading
from collections.abc import Iterator
from typing import Self

from handler.errors import ModelIntegrityError
from handler.s3.source import Source

PART_BYTES = 8 << 20
_CONNECTIONS = 4


class Parts:
    """A range that is being written; a context manager, to end with the writing.

    :param start: of the range in the object.
    :param stop: its end, exclusive.
    :param descriptor: the file.
    :param offset: where in the file the range begins.
    """

    def __init__(self, source: Source, start: int, stop: int, descriptor: int, offset: int) -> None:
        self._source = source
        self._descriptor = descriptor
        self._shift = offset - start
        self._starts = range(start, stop, PART_BYTES)
        self._stop = stop
        self._waiting = iter(self._starts)  # shared: each start is for one thread
        self._done: set[int] = set()
        self._error: BaseException | None = None
        self._is_ended = False
        self._changed = threading.Condition()
        count = min(_CONNECTIONS, len(self._starts))
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(count)]

    def as_they_come(self) -> Iterator[tuple[int, int]]:
        """Give the places in the file that are written, in order, as soon as they are.

        :raises ModelFetchError: S3 does not give a part.
        :raises OSError: a part cannot be written.
        """
        for start in self._starts:
            with self._changed:
                while start not in self._done and self._error is None:
                    self._changed.wait()
                if self._error is not None:
                    raise self._error
            yield start + self._shift, self._end(start) + self._shift

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._is_ended = True
        if error is not None:
            self._source.close()  # wakes those that wait for bytes
        for thread in self._threads:
            thread.join()

    def _end(self, start: int) -> int:
        return min(start + PART_BYTES, self._stop)

    def _work(self) -> None:
        try:
            for start in self._waiting:
                if self._is_ended:
                    return
                self._write(start)
                self._note(start)
        except BaseException as error:
            self._note(None, error)

    def _write(self, start: int) -> None:
        position, end = start, self._end(start)
        for chunk in self._source.read(start, end):
            if self._is_ended:
                return
            while chunk:
                size = os.pwrite(self._descriptor, chunk, position + self._shift)
                position += size
                chunk = chunk[size:]
        if position != end:
            raise ModelIntegrityError(
                "the model archive ends too early: build and publish the bundle again"
            )

    def _note(self, start: int | None, error: BaseException | None = None) -> None:
        with self._changed:
            if start is not None:
                self._done.add(start)
            self._error = self._error or error
            self._changed.notify_all()
