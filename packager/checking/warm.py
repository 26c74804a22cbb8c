"""How long a function that runs already takes for one and the same request."""

from typing import Any

from packager.local.emulator import Emulator
from packager.local.response import decode_response

MOST_INVOCATIONS = 30
_FEWEST_INVOCATIONS = 5
_ENOUGH_MS = 30_000
"""When this much was measured, the fewest will do: a slow model's median is known sooner."""


def warm_durations_ms(function: Emulator, event: Any) -> tuple[float, ...]:
    """Return the handler's time for the event, again and again; none: once it failed.

    :param function: one that answered the event before.
    :raises ToolError: the emulator itself gave no answer.
    """
    durations_ms: list[float] = []
    while len(durations_ms) < MOST_INVOCATIONS:
        if len(durations_ms) >= _FEWEST_INVOCATIONS and sum(durations_ms) >= _ENOUGH_MS:
            break
        answer = function.invoke(event)
        response = decode_response(answer.payload)
        # Cold: the function died of the one before.
        if answer.cold_start or response is None or response.status != 200:
            return ()
        durations_ms.append(answer.duration_ms)
    return tuple(durations_ms)
