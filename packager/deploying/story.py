"""A deployment from the bundle to live traffic.

Each step begins by looking at what is there: so running the same again after any interruption
goes on where it ended. The live alias moves last, by a change set of its own, to a version that
has answered; and with it the API changes, if it is to.
"""

from collections.abc import Mapping

from packager.bundle.folder import Bundle
from packager.deploying.changes import Change
from packager.deploying.clients import Clients, stack_errors
from packager.deploying.parameters import LIVE_VERSION
from packager.deploying.plan import NOTHING_LIVE, DeployPlan, is_of_the_api, make_plan
from packager.deploying.smoke import SampleEvent, sample_event, smoke_test
from packager.deploying.stack import (
    NEVER_LIVED,
    Pause,
    Stack,
    delete_stack,
    settled_stack,
    two_seconds,
)
from packager.deploying.steps import (
    Approval,
    Approve,
    Deployed,
    change_stack,
    check_ours,
    deployed,
    versions_of,
    without_marks_above,
)
from packager.deploying.versions import mark_proven
from packager.errors import ConfigError, StackError
from packager.progress import Progress
from packager.storage.publish import publish


def plan_deployment(
    clients: Clients,
    bundle: Bundle,
    stack_name: str,
    bucket: str,
    prefix: str | None,
    parameters: Mapping[str, str],
    stack: Stack | None,
) -> DeployPlan:
    """Return the plan for the stack as it is; parameters given to it before are kept.

    :param prefix: None: where its models are, or packager/STACK.
    :raises ConfigError: the live version could not read its model any more.
    """
    kept: dict[str, str] = {}
    before = f"packager/{stack_name}"
    if stack is not None:
        check_ours(clients, stack)
    if stack is not None and not stack.is_empty and stack.status not in NEVER_LIVED:
        with stack_errors(f"read the template of {stack_name}"):
            summary = clients.cloudformation.get_template_summary(StackName=stack.id)
        defaults = {
            item["ParameterKey"]: item.get("DefaultValue") or "" for item in summary["Parameters"]
        }
        # Of an API that never was, what a failed attempt said of it does not count.
        is_live = stack.parameters.get(LIVE_VERSION) != NOTHING_LIVE
        kept = {
            name: value
            for name, value in stack.parameters.items()
            if value != defaults.get(name) and (is_live or not is_of_the_api(name))
        }
        if "ModelPrefix" in stack.parameters:
            before = stack.parameters["ModelPrefix"].removesuffix("models").rstrip("/")
    place = before if prefix is None else prefix
    plan = make_plan(bundle, stack_name, bucket, place, parameters, kept)
    if stack is not None:
        _check_live_can_read(stack, plan)
    return plan


def deploy(
    clients: Clients,
    bundle: Bundle,
    stack_name: str,
    bucket: str,
    prefix: str | None,
    parameters: Mapping[str, str],
    *,
    event: SampleEvent | None = None,
    approve: Approve,
    progress: Progress,
    pause: Pause = two_seconds,
) -> Deployed:
    """Bring the bundle into the stack, test the new version, and make it the live one.

    :param prefix: None: where the stack's models are, or packager/STACK.
    :param parameters: of the template, by name.
    :param event: what the new version is asked; None: the model's sample request.
    :raises SmokeTestFailed: the new version does not answer; what was live still is.
    :raises StackError: AWS refused, or a change failed and was rolled back.
    """
    approval = Approval(approve)
    stack = settled_stack(clients, stack_name, progress, pause=pause)
    plan = plan_deployment(clients, bundle, stack_name, bucket, prefix, parameters, stack)
    sent = publish(
        bundle, bucket, plan.prefix, region=clients.region, client=clients.s3, progress=progress
    )
    if any(item.is_uploaded for item in sent.objects):
        # That can take minutes, in which others may have changed the stack.
        stack = settled_stack(clients, stack_name, progress, pause=pause)
        plan = plan_deployment(clients, bundle, stack_name, bucket, prefix, parameters, stack)
    before = versions_of(clients, stack)
    if stack is not None:
        before = without_marks_above(clients, stack, before, before.live)
    if stack is not None and stack.status in NEVER_LIVED:
        if not approval.allows((Change("Remove", stack_name, "AWS::CloudFormation::Stack"),)):
            raise StackError("not approved: nothing was changed")
        progress.step(f"Deleting {stack_name}: its creation failed, nothing of it was ever live")
        delete_stack(clients, stack, progress, pause=pause)
        stack = None
    untested = plan.before_test(before.live, stack.parameters if stack else {})
    with_code = change_stack(clients, plan, stack, untested, approval, progress, pause=pause)
    version, function_name = _published(with_code)
    is_proven = version in before.proven
    if version != before.live or not is_proven:
        sample = event or sample_event(bundle.manifest, plan.api)
        progress.step(f"Testing version {version} with {sample.name}")
        if sample.is_made_up:
            progress.detail("made up from the signature: the model has no small input example")
        smoke_test(clients, function_name, version, sample.event, pause=pause)
    if not is_proven:
        mark_proven(clients, function_name, version)
    live, parameters = with_code, plan.with_live(version)
    if parameters != untested:
        is_new = version != before.live
        progress.step(
            f"Making version {version} the live one" if is_new else "Changing its API and bounds"
        )
        live = change_stack(clients, plan, with_code, parameters, approval, progress, pause=pause)
    return deployed(live, version, before.live, is_changed=live is not stack)


_OF_THE_MODELS = ("ModelBucket", "ModelPrefix", "ModelKmsKeyArn")
"""What the function's role, which all its versions have, may read and decrypt."""


def _check_live_can_read(stack: Stack, plan: DeployPlan) -> None:
    """Refuse what would take from the live version, at once, the right to read its model.

    :raises ConfigError: the model's place or key is another one.
    """
    now = stack.parameters
    if now.get(LIVE_VERSION, NOTHING_LIVE) == NOTHING_LIVE or "ModelBucket" not in now:
        return
    for name in _OF_THE_MODELS:
        wanted = plan.parameters.get(name, "")
        if now.get(name) and wanted != now[name]:
            raise ConfigError(
                f"{stack.name} has {name}={now[name]} and would get {wanted or 'none'}: the live"
                " version, and all before it, could not read their models any more",
                hint="Keep --bucket, --prefix, key and kind of bundle, or give another --stack.",
            )


def _published(stack: Stack) -> tuple[str, str]:
    try:
        return stack.outputs["NewestVersion"], stack.outputs["FunctionName"]
    except KeyError as error:
        raise StackError(
            f"the stack {stack.name} has no output {error}",
            hint="AWS expands the template by its SAM transform; what AWS_ENDPOINT_URL names may"
            f" not. `packager destroy --stack {stack.name}` removes it.",
        ) from error
