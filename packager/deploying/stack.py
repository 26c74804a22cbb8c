"""A CloudFormation stack: its state, and its end."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from packager.deploying.clients import Clients, names_no_stack, stack_errors
from packager.deploying.stack_events import StackEvents
from packager.errors import ConfigError, StackError
from packager.progress import Progress

NEVER_LIVED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
"""What a failed creation leaves: CloudFormation can only delete it."""
_BROKEN_READS = 3
"""In a row; botocore has tried each of them several times."""
_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")

Pause = Callable[[], None]


def two_seconds() -> None:
    """Wait between two looks at a stack."""
    time.sleep(2)


@dataclass(frozen=True)
class Stack:
    """A stack as CloudFormation describes it."""

    name: str
    id: str
    status: str
    reason: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    changed_at: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it is but a name, for a change set that was never executed."""
        return self.status == "REVIEW_IN_PROGRESS"

    @property
    def is_busy(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return self.status.endswith("_IN_PROGRESS") and not self.is_empty

    @property
    def function_name(self) -> str | None:
        """Its function; None before there is one."""
        return self.outputs.get("FunctionName")


def read_stack(clients: Clients, name: str) -> Stack | None:
    """Return the stack, or None when there is none.

    :param name: or its ARN, by which deleted ones are found too.
    """
    from botocore.exceptions import ClientError  # heavy

    with stack_errors(f"read the stack {name}"):
        try:
            (found,) = clients.cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if names_no_stack(error):
                return None
            raise
    return described(found)


def described(found: Mapping[str, Any]) -> Stack:
    """Return a stack of those that `describe_stacks` returns."""
    return Stack(
        name=found["StackName"],
        id=found["StackId"],
        status=found["StackStatus"],
        reason=found.get("StackStatusReason", ""),
        parameters={
            item["ParameterKey"]: item.get("ParameterValue", "")
            for item in found.get("Parameters", [])
        },
        outputs={item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])},
        changed_at=str(found.get("LastUpdatedTime") or found.get("CreationTime", "")),
    )


def template_of(clients: Clients, stack: Stack) -> str:
    """Return the template as it was sent, before the SAM transform."""
    with stack_errors(f"read the template of {stack.name}"):
        body = clients.cloudformation.get_template(StackName=stack.id, TemplateStage="Original")
    template = body["TemplateBody"]
    return template if isinstance(template, str) else json.dumps(template)


def wait_for(
    clients: Clients, stack_id: str, progress: Progress, *, pause: Pause = two_seconds
) -> Stack:
    """Tell the events of what others began, until CloudFormation is done with it."""
    events = StackEvents(clients, stack_id)
    while True:
        stack = _read_existing(clients, stack_id)
        events.tell(progress)
        if not stack.is_busy:
            return stack
        pause()


def wait_for_end(
    clients: Clients,
    stack_id: str,
    events: StackEvents,
    progress: Progress,
    *,
    pause: Pause = two_seconds,
) -> Stack:
    """Tell the events of what we began, until CloudFormation is done with it.

    Its end is known from events alone: the stack itself can say for a while that nothing has
    begun, in the words with which it says that all is done.

    :param events: from before it began.
    """
    failed = 0
    while events.ended is None:
        try:
            events.tell(progress)
            failed = 0
        except StackError:
            # Traffic may take an hour to go over: a connection that broke is no reason to give up.
            failed += 1
            if failed > _BROKEN_READS:
                raise
        if events.ended is None:
            pause()
    return _read_existing(clients, stack_id)


def _read_existing(clients: Clients, stack_id: str) -> Stack:
    stack = read_stack(clients, stack_id)
    if stack is None:
        raise StackError(f"the stack {stack_id} is gone", hint="Run the same command again.")
    return stack


def settled_stack(
    clients: Clients, name: str, progress: Progress, *, pause: Pause = two_seconds
) -> Stack | None:
    """Return the stack when nobody is at work on it; None when there is none.

    :raises StackError: it is in a state that only its owner can end.
    """
    stack = read_stack(clients, name)
    if stack is not None and stack.is_busy:
        progress.step(f"Waiting for {name}: {stack.status}")
        stack = wait_for(clients, stack.id, progress, pause=pause)
    if stack is None or stack.status == "DELETE_COMPLETE":
        return None
    if stack.is_empty or stack.status in (*_GOOD, *NEVER_LIVED):
        return stack
    if stack.status == "DELETE_FAILED":
        raise StackError(
            f"the stack {name} was not wholly deleted: {stack.reason}",
            hint=f"Remove what is in the way, then: packager destroy --stack {name}",
        )
    hint = (
        "Somebody turned off that failed changes are rolled back. Bring it to an end in the"
        " console of CloudFormation, or delete it with `packager destroy`."
    )
    if stack.status == "UPDATE_ROLLBACK_FAILED":
        hint = unfinished_rollback_hint(name)
    raise StackError(f"the stack {name} is in state {stack.status}: {stack.reason}", hint=hint)


def unfinished_rollback_hint(name: str) -> str:
    """Return what to do with a stack in state UPDATE_ROLLBACK_FAILED."""
    return (
        f"aws cloudformation continue-update-rollback --stack-name {name}"
        " goes on with it; `packager status` shows when it is done."
    )


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


def check_name(name: str) -> None:
    """Refuse what CloudFormation would.

    :raises ConfigError: it is no name for a stack.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name for a stack: letters, digits and hyphens")


def delete_stack(
    clients: Clients, stack: Stack, progress: Progress, *, pause: Pause = two_seconds
) -> None:
    """Delete the stack and wait until it is gone.

    :raises StackError: something could not be deleted.
    """
    events = StackEvents(clients, stack.id)
    with stack_errors(f"delete the stack {stack.name}"):
        clients.cloudformation.delete_stack(StackName=stack.id)
    while (left := read_stack(clients, stack.id)) and left.status != "DELETE_COMPLETE":
        events.tell(progress)
        # Not the stack's own status: that can still be of an attempt before.
        if events.ended == "DELETE_FAILED":
            raise StackError(
                f"the stack {stack.name} was not wholly deleted: "
                + ("; ".join(events.failures) or left.reason),
                hint="Remove what is in the way, and run the same command again.",
            )
        pause()
