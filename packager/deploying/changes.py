"""Change sets: what CloudFormation would do to a stack, and doing it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from packager.deploying.clients import Clients, names_no_stack, stack_errors
from packager.deploying.stack import (
    Pause,
    Stack,
    read_stack,
    two_seconds,
    unfinished_rollback_hint,
    wait_for_end,
)
from packager.deploying.stack_events import StackEvents
from packager.errors import StackError
from packager.progress import Progress
from packager.storage.client import error_code

# SAM's resources are expanded by CloudFormation itself, and roles are made.
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
_BEING_MADE = ("CREATE_PENDING", "CREATE_IN_PROGRESS")
_BEING_DELETED = ("DELETE_PENDING", "DELETE_IN_PROGRESS")
_PREFIX = "packager-"
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Change:
    """What would happen to one resource."""

    action: str
    name: str
    kind: str
    is_replaced: bool = False

    def __str__(self) -> str:
        replaced = " (replaced)" if self.is_replaced else ""
        return f"{self.action:7} {self.name} {self.kind}{replaced}"


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be executed."""

    id: str
    stack_id: str
    changes: tuple[Change, ...]


def make_change_set(
    clients: Clients,
    name: str,
    stack: Stack | None,
    template: str,
    parameters: Mapping[str, str],
    *,
    pause: Pause = two_seconds,
) -> ChangeSet | None:
    """Return the change set from the stack as it is to this template; None: nothing to change.

    Its name tells its content, so that a run after an interrupted one finds it.

    :param stack: as read; None or an empty one: it is to be created.
    """
    change_set = _change_set_name(stack, template, parameters)
    found = _describe(clients, name, change_set)
    if found is not None and found["Status"] in _BEING_MADE:
        found = _wait(clients, name, change_set, pause)
        if found is None:
            return None
    if found is not None and found.get("ExecutionStatus") != "AVAILABLE":
        with stack_errors(f"delete the change set {change_set}"):
            clients.cloudformation.delete_change_set(ChangeSetName=found["ChangeSetId"])
        while (found := _describe(clients, name, change_set)) is not None:
            if found["Status"] not in _BEING_DELETED:
                break
            pause()
        found = None
    if found is None:
        is_new = stack is None or stack.is_empty
        if not _create(clients, name, change_set, template, parameters, is_new=is_new):
            return None
        found = _wait(clients, name, change_set, pause)
    if found is None:
        return None
    return ChangeSet(found["ChangeSetId"], found["StackId"], _changes(clients, found))


def execute(
    clients: Clients, change_set: ChangeSet, progress: Progress, *, pause: Pause = two_seconds
) -> Stack:
    """Let CloudFormation do it, tell its events, and return the stack as it is then.

    :raises StackError: it failed, and was rolled back; the message has the cause.
    """
    events = StackEvents(clients, change_set.stack_id)
    with stack_errors("execute the change set"):
        clients.cloudformation.execute_change_set(
            ChangeSetName=change_set.id,
            # Or botocore's second attempt, after an answer that was lost, is refused.
            ClientRequestToken=change_set.id.rpartition("/")[2],
            # SAM's versions stay when they are taken out of the template. One that came of a
            # change that failed must not: Lambda publishes no second one of the same code.
            RetainExceptOnCreate=True,
        )
    stack = wait_for_end(clients, change_set.stack_id, events, progress, pause=pause)
    if stack.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        cause = "; ".join(events.failures[:3]) or stack.reason
        raise StackError(
            f"the change of {stack.name} ended in {stack.status}: {cause}",
            hint=_hint_after(stack, cause),
        )
    return stack


def _hint_after(stack: Stack, cause: str) -> str:
    if stack.status == "UPDATE_ROLLBACK_FAILED":
        return unfinished_rollback_hint(stack.name)
    if "alarm" in cause.lower():
        return (
            "What was live is as it was. If it is the live version that the alarm rings for,"
            " --parameter Deployment=AllAtOnce goes past CodeDeploy."
        )
    return "What was live is as it was. Mend the cause, and run the same command again."


def discard(clients: Clients, change_set_id: str, stack_id: str) -> None:
    """Delete a change set that is not wanted, and the empty stack that it was made for."""
    with stack_errors("delete the change set"):
        clients.cloudformation.delete_change_set(ChangeSetName=change_set_id)
    stack = read_stack(clients, stack_id)
    if stack is not None and stack.is_empty:
        with stack_errors(f"delete the empty stack {stack.name}"):
            clients.cloudformation.delete_stack(StackName=stack.id)


def change_sets_of(clients: Clients, stack: Stack) -> tuple[str, ...]:
    """Return the names of those that were made for this stack and can still be executed."""
    with stack_errors(f"list the change sets of {stack.name}"):
        pages = clients.cloudformation.get_paginator("list_change_sets")
        found = [item for page in pages.paginate(StackName=stack.id) for item in page["Summaries"]]
    return tuple(
        item["ChangeSetName"]
        for item in found
        if item.get("ExecutionStatus") == "AVAILABLE" and item.get("StackId") == stack.id
    )


def is_packagers(change_set: str) -> bool:
    """Tell by its name whether packager made the change set."""
    return change_set.startswith(_PREFIX)


def _change_set_name(stack: Stack | None, template: str, parameters: Mapping[str, str]) -> str:
    # An executed change set keeps its name for a while: the state it begins at counts too.
    begin = stack.changed_at if stack and not stack.is_empty else ""
    content = json.dumps([begin, template, dict(sorted(parameters.items()))])
    return f"{_PREFIX}{hashlib.sha256(content.encode()).hexdigest()[:24]}"


def _create(
    clients: Clients,
    name: str,
    change_set: str,
    template: str,
    parameters: Mapping[str, str],
    *,
    is_new: bool,
) -> bool:
    """Ask for a change set; False when CloudFormation says at once that it would be empty."""
    from botocore.exceptions import ClientError  # heavy

    with stack_errors(f"make a change set for {name}"):
        try:
            clients.cloudformation.create_change_set(
                StackName=name,
                ChangeSetName=change_set,
                # Not the name: CloudFormation answers a token that it knows with what it made
                # then, deleted since or not. botocore's own attempts share this one.
                ClientToken=uuid4().hex,
                ChangeSetType="CREATE" if is_new else "UPDATE",
                Capabilities=CAPABILITIES,
                TemplateBody=template,
                Parameters=[
                    {"ParameterKey": key, "ParameterValue": value}
                    for key, value in parameters.items()
                ],
            )
        except ClientError as error:
            if any(text in str(error) for text in _NO_CHANGES):
                return False
            raise
    return True


def _wait(clients: Clients, name: str, change_set: str, pause: Pause) -> dict[str, Any] | None:
    while True:
        found = _describe(clients, name, change_set)
        if found is None:
            raise StackError(f"the change set {change_set} is gone", hint="Run the command again.")
        if found["Status"] == "CREATE_COMPLETE":
            return found
        if found["Status"] == "FAILED":
            discard(clients, found["ChangeSetId"], found["StackId"])
            reason = found.get("StatusReason", "")
            if any(text in reason for text in _NO_CHANGES):
                return None
            raise StackError(f"CloudFormation does not take the change of {name}: {reason}")
        pause()


def _describe(clients: Clients, name: str, change_set: str) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError  # heavy

    with stack_errors(f"read the change set {change_set}"):
        try:
            found: dict[str, Any] = clients.cloudformation.describe_change_set(
                StackName=name, ChangeSetName=change_set
            )
        except ClientError as error:
            gone = ("ChangeSetNotFound", "ChangeSetNotFoundException")
            if error_code(error) in gone or names_no_stack(error):
                return None
            raise
    return found


def _changes(clients: Clients, found: dict[str, Any]) -> tuple[Change, ...]:
    items = list(found.get("Changes", []))
    while token := found.get("NextToken"):
        with stack_errors("read the changes"):
            found = clients.cloudformation.describe_change_set(
                ChangeSetName=found["ChangeSetId"], NextToken=token
            )
        items += found.get("Changes", [])
    changes = [item["ResourceChange"] for item in items]
    return tuple(
        Change(
            item["Action"],
            item["LogicalResourceId"],
            item["ResourceType"],
            item.get("Replacement") == "True",
        )
        for item in changes
    )
