"""The event loop that Mangum takes, or makes and leaves open: on Lambda it ends with all."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def closed_event_loop() -> Iterator[None]:
    """Give it one, and close it afterwards."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
