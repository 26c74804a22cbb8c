"""The end of a deployment."""

from collections.abc import Callable
from dataclasses import dataclass

from packager.deploy.clients import Clients
from packager.deploy.plan import stored_at
from packager.deploy.stack import (
    Pause,
    delete_stack,
    read_stack,
    template_of,
    two_seconds,
    wait_for,
)
from packager.deploy.steps import check_ours
from packager.errors import StackError
from packager.progress import Progress


@dataclass(frozen=True)
class Destroyed:
    """What is gone, and what stays."""

    stack_name: str
    was_there: bool
    stored: str | None
    """Where its models and zips are in S3 still; None: nowhere that packager knows."""


def destroy(
    clients: Clients,
    stack_name: str,
    *,
    approve: Callable[[], bool],
    progress: Progress,
    pause: Pause = two_seconds,
) -> Destroyed:
    """Delete the stack, and wait until it is gone; one that is not there is no error.

    :raises ConfigError: it is none of packager's.
    :raises StackError: not approved, or something could not be deleted.
    """
    stack = read_stack(clients, stack_name)
    if stack is not None and stack.is_busy and stack.status != "DELETE_IN_PROGRESS":
        stack = wait_for(clients, stack.id, progress, pause=pause)
    if stack is None:
        return Destroyed(stack_name, was_there=False, stored=None)
    check_ours(clients, stack)
    if not approve():
        raise StackError("not approved: nothing was deleted")
    stored = None if stack.is_empty else stored_at(template_of(clients, stack))
    progress.step(f"Deleting {stack_name}")
    if stored:  # said now: after an interruption nothing else knows it
        progress.detail(f"{stored} stays")
    delete_stack(clients, stack, progress, pause=pause)
    return Destroyed(stack_name, was_there=True, stored=stored)
