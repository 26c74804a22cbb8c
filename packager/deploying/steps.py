"""What a deployment and a rollback are made of, and what they end with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from packager.deploying.changes import (
    Change,
    change_sets_of,
    discard,
    execute,
    is_packagers,
    make_change_set,
)
from packager.deploying.clients import Clients
from packager.deploying.parameters import LIVE_VERSION
from packager.deploying.plan import DeployPlan
from packager.deploying.stack import Pause, Stack
from packager.deploying.versions import Versions, read_versions, unmark_proven
from packager.errors import ConfigError, StackError
from packager.progress import Progress

Approve = Callable[[tuple[Change, ...]], bool]
"""Shows what would be changed and tells whether it may be."""


@dataclass(frozen=True)
class Deployed:
    """What is live now."""

    stack_name: str
    endpoint: str
    function_name: str
    live_version: str
    version_before: str | None
    """The live one before; None: there was none."""
    is_changed: bool


class Approval:
    """Asks once for all changes of a command, and again before something more is made."""

    def __init__(self, approve: Approve) -> None:
        self._approve = approve
        self._is_approved = False

    def allows(self, changes: tuple[Change, ...]) -> bool:
        """Tell whether these changes may be made."""
        if not self._is_approved or any(change.action == "Add" for change in changes):
            self._is_approved = self._approve(changes)
        return self._is_approved


def our_stack(clients: Clients, stack_name: str, found: Stack | None) -> Stack:
    """Return the stack that was looked for, which packager made.

    :raises ConfigError: there is none of this name, or it is none of packager's.
    """
    if found is None:
        raise ConfigError(
            f"there is no stack {stack_name} in {clients.region}",
            hint="Check --stack, AWS_PROFILE and AWS_DEFAULT_REGION.",
        )
    check_ours(clients, found)
    return found


def check_ours(clients: Clients, stack: Stack) -> None:
    """Refuse a stack of something else, all of which would be replaced.

    :raises ConfigError: it has not our template's parameters, or waits for others' changes.
    """
    if stack.is_empty:
        is_ours = all(is_packagers(name) for name in change_sets_of(clients, stack))
    else:
        is_ours = LIVE_VERSION in stack.parameters
    if not is_ours:
        raise ConfigError(
            f"the stack {stack.name} was not made from packager's template",
            hint="Give the stack another name. One of an older packager is brought forward by"
            " `sam deploy` with the bundle's template.yaml.",
        )


def versions_of(clients: Clients, stack: Stack | None) -> Versions:
    """Return the versions of the stack's function, none before there is one."""
    if stack is None or stack.function_name is None:
        return Versions()
    return read_versions(clients, stack.function_name)


def without_marks_above(
    clients: Clients, stack: Stack, versions: Versions, live: str | None
) -> Versions:
    """Return the versions, none above the live one being proven.

    A mark above it is of a version that an alarm took the traffic from, or that was rolled back
    from, or whose deployment was interrupted.
    """
    above = {item for item in versions.proven if live is None or int(item) > int(live)}
    for version in sorted(above, key=int):
        unmark_proven(clients, str(stack.function_name), version)
    return replace(versions, proven=versions.proven - above)


def change_stack(
    clients: Clients,
    plan: DeployPlan,
    stack: Stack | None,
    parameters: Mapping[str, str],
    approval: Approval,
    progress: Progress,
    *,
    pause: Pause,
) -> Stack:
    """Return the stack with these parameters; the one given where nothing had to be done."""
    progress.step(f"Comparing {plan.stack_name} with the template")
    change_set = make_change_set(
        clients, plan.stack_name, stack, plan.template, parameters, pause=pause
    )
    if change_set is None:
        if stack is None:
            raise StackError(f"CloudFormation finds nothing to create in {plan.stack_name}")
        progress.detail("nothing to change")
        return stack
    if not approval.allows(change_set.changes):
        discard(clients, change_set.id, change_set.stack_id)
        raise StackError("not approved: the change set is deleted, and nothing of it was done")
    progress.step(f"Changing {plan.stack_name}")
    return execute(clients, change_set, progress, pause=pause)


def deployed(stack: Stack, version: str, before: str | None, *, is_changed: bool) -> Deployed:
    """Return what is live in the stack as it is now."""
    return Deployed(
        stack_name=stack.name,
        endpoint=stack.outputs.get("Endpoint", ""),
        function_name=str(stack.function_name),
        live_version=version,
        version_before=before,
        is_changed=is_changed,
    )
