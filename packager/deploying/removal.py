"""The end of a deployment."""

from collections.abc import Callable
from dataclasses import dataclass

from packager.deploying.clients import Clients
from packager.deploying.parameters import LAYER_ARN
from packager.deploying.plan import stored_at
from packager.deploying.report import deployed_stacks
from packager.deploying.stack import (
    Pause,
    Stack,
    delete_stack,
    read_stack,
    template_of,
    two_seconds,
    wait_for,
)
from packager.deploying.steps import check_ours
from packager.errors import StackError
from packager.progress import Progress
from packager.storage.client import split_s3_uri


@dataclass(frozen=True)
class Destroyed:
    """What is gone, and what stays."""

    stack_name: str
    was_there: bool
    stored: str | None
    """Where its models and zips are in S3 still; None: nowhere that packager knows."""
    is_shared: bool = False
    """Whether other stacks' models are, or could be, there too."""
    layer: str | None = None
    """ARN of the layer that it made last, and that other stacks may use; None: it made none."""


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
    left = Destroyed(
        stack_name,
        was_there=True,
        stored=stored,
        is_shared=stored is not None and _is_shared(clients, stack, stored),
        layer=None if stack.parameters.get(LAYER_ARN) else stack.outputs.get(LAYER_ARN),
    )
    progress.step(f"Deleting {stack_name}")
    # Said now: after an interruption nothing else knows it.
    for stays in filter(None, (stored, left.layer)):
        progress.detail(f"{stays} stays")
    delete_stack(clients, stack, progress, pause=pause)
    return left


def _is_shared(clients: Clients, stack: Stack, stored: str) -> bool:
    _, prefix = split_s3_uri(stored)
    # Below another prefix than its own, anything can be.
    if prefix.split("/")[-1] != stack.name:
        return True
    try:
        others = [item for item in deployed_stacks(clients) if item.id != stack.id]
        return any(
            (stored_at(template_of(clients, other)) or "").startswith(stored) for other in others
        )
    except StackError:
        return True  # for who may not look at them
