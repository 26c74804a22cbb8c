"""A deployment from the bundle to live traffic, and the way back.

Each step begins by looking at what is there: so running the same again after any interruption
goes on where it ended. The live alias moves last, by a change set of its own, to a version that
has answered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from packager.bundle import Bundle
from packager.deploy.changes import Change, discard, execute, make_change_set
from packager.deploy.clients import Clients, stack_errors
from packager.deploy.plan import LIVE_VERSION, DeployPlan, make_plan
from packager.deploy.smoke import GATEWAYS_OF_APIS, sample_event, smoke_test
from packager.deploy.stack import (
    NEVER_LIVED,
    Pause,
    Stack,
    delete_stack,
    settled_stack,
    template_of,
    two_seconds,
)
from packager.deploy.versions import Versions, mark_passed, read_versions
from packager.errors import ConfigError, StackError
from packager.gateways import GATEWAYS, SampleRequest
from packager.progress import Progress
from packager.publish import publish

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


class _Asked:
    """Asks once for all change sets of a command."""

    def __init__(self, approve: Approve) -> None:
        self._approve = approve
        self._is_approved = False

    def may(self, changes: tuple[Change, ...]) -> bool:
        self._is_approved = self._is_approved or self._approve(changes)
        return self._is_approved


def plan_deployment(
    clients: Clients,
    bundle: Bundle,
    stack_name: str,
    bucket: str,
    prefix: str,
    parameters: Mapping[str, str],
    stack: Stack | None,
) -> DeployPlan:
    """Return the plan for the stack as it is; parameters given to it before are kept."""
    kept: dict[str, str] = {}
    if stack is not None and not stack.is_empty and stack.status not in NEVER_LIVED:
        check_ours(stack)
        with stack_errors(f"read the template of {stack_name}"):
            summary = clients.cloudformation.get_template_summary(StackName=stack.id)
        defaults = {
            item["ParameterKey"]: item.get("DefaultValue") or "" for item in summary["Parameters"]
        }
        kept = {
            name: value for name, value in stack.parameters.items() if value != defaults.get(name)
        }
    return make_plan(bundle, stack_name, bucket, prefix, parameters, kept)


def deploy(
    clients: Clients,
    bundle: Bundle,
    stack_name: str,
    bucket: str,
    prefix: str,
    parameters: Mapping[str, str],
    *,
    approve: Approve,
    progress: Progress,
    pause: Pause = two_seconds,
) -> Deployed:
    """Bring the bundle into the stack, test the new version, and make it the live one.

    :param parameters: of the template, by name.
    :raises SmokeTestFailed: the new version does not answer; what was live still is.
    :raises StackError: AWS refused, or a change failed and was rolled back.
    """
    asked = _Asked(approve)
    stack = settled_stack(clients, stack_name, progress, pause=pause)
    plan = plan_deployment(clients, bundle, stack_name, bucket, prefix, parameters, stack)
    before = _versions(clients, stack)
    publish(bundle, bucket, plan.prefix, client=clients.s3, progress=progress)
    if stack is not None and stack.status in NEVER_LIVED:
        check_ours(stack)
        progress.step(f"Deleting {stack_name}: its creation failed, nothing of it was ever live")
        delete_stack(clients, stack, progress, pause=pause)
        stack = None
    with_code = _change(
        clients, plan, stack, plan.with_live(before.live), asked, progress, pause=pause
    )
    version, function_name = _published(with_code)
    is_changed = with_code is not stack
    if version == before.live:
        return _deployed(with_code, version, before.live, is_changed=is_changed)
    name, event = sample_event(bundle.manifest, plan.api)
    progress.step(f"Testing version {version} with {name}")
    smoke_test(clients, function_name, version, event)
    if version not in before.passed:
        mark_passed(clients, function_name, version)
    progress.step(f"Making version {version} the live one")
    live = _change(clients, plan, with_code, plan.with_live(version), asked, progress, pause=pause)
    return _deployed(live, version, before.live, is_changed=True)


def roll_back(
    clients: Clients,
    stack_name: str,
    *,
    to: str | None,
    approve: Approve,
    progress: Progress,
    pause: Pause = two_seconds,
) -> Deployed:
    """Make an earlier version the live one again.

    :param to: its number; None: the one before the live one that passed its test.
    :raises ConfigError: there is no such version.
    :raises SmokeTestFailed: that version never passed its test, and does not answer /ping.
    """
    settled = settled_stack(clients, stack_name, progress, pause=pause)
    stack = our_stack(clients, stack_name, settled)
    versions = _versions(clients, stack)
    target = to or versions.before_live()
    if target is None:
        raise ConfigError(
            f"{stack_name} has no version before the live one that passed its smoke test",
            hint="--to N takes any published version that answers; `packager status` lists them.",
        )
    if target not in versions.published:
        raise ConfigError(
            f"{stack_name} has no version {target}", hint="`packager status` lists them."
        )
    if target == versions.live:
        return _deployed(stack, target, target, is_changed=False)
    function_name = str(stack.function_name)
    if target not in versions.passed:
        progress.step(f"Testing version {target} with /ping: it never passed a test of packager's")
        gateway = GATEWAYS_OF_APIS.get(stack.parameters.get("Api", ""), "http-api")
        ping = GATEWAYS[gateway](SampleRequest("GET", "/ping"))
        smoke_test(clients, function_name, target, ping)
        mark_passed(clients, function_name, target)
    progress.step(f"Making version {target} the live one")
    plan = DeployPlan(stack_name, "", "", template_of(clients, stack), stack.parameters, ())
    live = _change(
        clients, plan, stack, plan.with_live(target), _Asked(approve), progress, pause=pause
    )
    return _deployed(live, target, versions.live, is_changed=True)


def our_stack(clients: Clients, stack_name: str, found: Stack | None) -> Stack:
    """Return the stack that was looked for, which packager made.

    :raises ConfigError: there is none of this name, or it is none of packager's.
    """
    if found is None:
        raise ConfigError(
            f"there is no stack {stack_name} in {clients.region}",
            hint="Check --stack, AWS_PROFILE and AWS_DEFAULT_REGION.",
        )
    check_ours(found)
    return found


def check_ours(stack: Stack) -> None:
    """Refuse a stack of something else, all of which would be replaced.

    :raises ConfigError: it has not our template's parameters.
    """
    if not stack.is_empty and LIVE_VERSION not in stack.parameters:
        raise ConfigError(
            f"the stack {stack.name} was not made from packager's template",
            hint="Give another --stack. One of an older packager is brought forward by `sam deploy`"
            " with the bundle's template.yaml.",
        )


def _versions(clients: Clients, stack: Stack | None) -> Versions:
    if stack is None or stack.function_name is None:
        return Versions()
    return read_versions(clients, stack.function_name)


def _change(
    clients: Clients,
    plan: DeployPlan,
    stack: Stack | None,
    parameters: Mapping[str, str],
    asked: _Asked,
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
    if not asked.may(change_set.changes):
        discard(clients, change_set)
        raise StackError("not approved: the change set is deleted, and nothing was changed")
    progress.step(f"Changing {plan.stack_name}")
    return execute(clients, change_set, progress, pause=pause)


def _published(stack: Stack) -> tuple[str, str]:
    try:
        return stack.outputs["NewestVersion"], stack.outputs["FunctionName"]
    except KeyError as error:
        raise StackError(f"the stack {stack.name} has no output {error}") from error


def _deployed(stack: Stack, version: str, before: str | None, *, is_changed: bool) -> Deployed:
    return Deployed(
        stack_name=stack.name,
        endpoint=stack.outputs.get("Endpoint", ""),
        function_name=str(stack.function_name),
        live_version=version,
        version_before=before,
        is_changed=is_changed,
    )
