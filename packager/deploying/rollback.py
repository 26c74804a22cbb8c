"""The way back: an earlier version is live again, with all its traffic at once."""

from packager.aws.http_events import GATEWAYS, SampleRequest
from packager.deploying.clients import Clients
from packager.deploying.parameters import ROLLS_BACK
from packager.deploying.plan import DeployPlan
from packager.deploying.smoke import GATEWAYS_OF_APIS, smoke_test
from packager.deploying.stack import Pause, Stack, settled_stack, template_of, two_seconds
from packager.deploying.steps import (
    Approval,
    Approve,
    Deployed,
    change_stack,
    deployed,
    our_stack,
    versions_of,
    without_marks_above,
)
from packager.deploying.versions import Versions
from packager.errors import ConfigError, StackError
from packager.progress import Progress


def roll_back(
    clients: Clients,
    stack_name: str,
    *,
    to: str | None,
    approve: Approve,
    progress: Progress,
    pause: Pause = two_seconds,
) -> Deployed:
    """Make an earlier version the live one again, at once.

    CodeDeploy stops a shift of traffic while an alarm rings, the way back too: so it has no part.

    Versions above it are no proven ones any more.

    :param to: its number; None: the one before the live one that has proven itself.
    :raises ConfigError: there is no such version, or none is live yet.
    :raises SmokeTestFailed: that version does not answer /ping.
    """
    settled = settled_stack(clients, stack_name, progress, pause=pause)
    stack = our_stack(clients, stack_name, settled)
    versions = versions_of(clients, stack)
    if versions.live is None:
        raise ConfigError(
            f"no version of {stack_name} is live yet", hint="`packager deploy` makes one live."
        )
    plan = DeployPlan(stack_name, "", "", template_of(clients, stack), stack.parameters, ())
    approval = Approval(approve)
    is_unfinished = stack.parameters.get(ROLLS_BACK) == "true"
    if is_unfinished and to in (None, versions.live):
        live = _shifts_again(clients, plan, stack, versions.live, approval, progress, pause=pause)
        without_marks_above(clients, stack, versions, versions.live)
        return deployed(live, versions.live, versions.live, is_changed=False)
    kept = without_marks_above(clients, stack, versions, versions.live)
    if to is None and kept != versions:
        progress.detail(f"version {versions.live} is what traffic went back to already")
        return deployed(stack, versions.live, versions.live, is_changed=False)
    versions = kept
    target = _wanted(stack_name, versions, to)
    if target == versions.live:
        return deployed(stack, target, target, is_changed=False)
    progress.step(f"Testing version {target} with /ping")
    if target not in versions.proven:
        progress.detail("it has not proven itself: it never passed a test and was live then")
    gateway = GATEWAYS_OF_APIS.get(stack.parameters.get("Api", ""), "http-api")
    ping = GATEWAYS[gateway](SampleRequest("GET", "/ping"))
    smoke_test(clients, str(stack.function_name), target, ping, pause=pause)
    progress.step(f"Making version {target} the live one")
    parameters = plan.with_live(target)
    shifts = parameters.get("Deployment", "AllAtOnce") != "AllAtOnce"
    if shifts and ROLLS_BACK in parameters:
        parameters[ROLLS_BACK] = "true"
    live = change_stack(clients, plan, stack, parameters, approval, progress, pause=pause)
    if parameters.get(ROLLS_BACK) == "true":
        unasked = Approval(lambda changes: True)  # for it was taken out for the rollback's own sake
        live = _shifts_again(clients, plan, live, target, unasked, progress, pause=pause)
    try:
        without_marks_above(clients, stack, versions, target)
    except StackError as error:
        # Traffic has moved. To end with an error would be to ask for another rollback.
        progress.detail(f"{error}; the next command sees to it")
    return deployed(live, target, versions.live, is_changed=True)


def _wanted(stack_name: str, versions: Versions, to: str | None) -> str:
    target = to or versions.before_live()
    if target is None:
        raise ConfigError(
            f"{stack_name} has no version before the live one that has proven itself",
            hint="--to N takes any published version that answers; `packager status` lists them.",
        )
    if target not in versions.published:
        raise ConfigError(
            f"{stack_name} has no version {target}", hint="`packager status` lists them."
        )
    return target


def _shifts_again(
    clients: Clients,
    plan: DeployPlan,
    stack: Stack,
    live: str | None,
    approval: Approval,
    progress: Progress,
    *,
    pause: Pause,
) -> Stack:
    """Give the stack back what a rollback took away: how traffic goes over next time."""
    progress.step(f"Setting up Deployment={stack.parameters['Deployment']} again")
    parameters = plan.with_live(live) | {ROLLS_BACK: "false"}
    return change_stack(clients, plan, stack, parameters, approval, progress, pause=pause)
