"""Deployed stacks: brought up to date, taken back, looked at."""

from collections.abc import Mapping

from packager.api.bundles import BundleLike, as_bundle
from packager.deploying import rollback, story
from packager.deploying.clients import make_clients
from packager.deploying.report import StackReport, report_stack
from packager.deploying.smoke import SampleEvent
from packager.deploying.stack import check_name
from packager.deploying.steps import Approve, Deployed
from packager.progress import LOGGED, Progress


def deploy(
    bundle: BundleLike,
    stack_name: str,
    bucket: str,
    prefix: str | None = None,
    parameters: Mapping[str, str] | None = None,
    *,
    event: SampleEvent | None = None,
    approve: Approve = lambda _changes: True,
    region: str | None = None,
    progress: Progress = LOGGED,
) -> Deployed:
    """Bring a bundle into a CloudFormation stack, test it there, and move traffic to it.

    After an interruption the same call goes on.

    :param prefix: of the keys in the bucket; None: where the stack's models are, at first
        packager/STACK.
    :param parameters: of template.yaml, by name; kept by later deployments.
    :param event: what the new version is asked for a test; None: the model's sample request.
    :param approve: shown the changes before they are made; False ends it. By default all are made.
    :param region: None: the one of the user's AWS settings.
    :raises BundleInvalid: it is not a whole bundle.
    :raises ConfigError: a parameter or name that cannot be, or a stack of something else.
    :raises SmokeTestFailed: the new version does not answer; what was live still is.
    :raises StackError: AWS refused, or a change failed and was rolled back.
    """
    check_name(stack_name)
    return story.deploy(
        make_clients(region),
        as_bundle(bundle, progress),
        stack_name,
        bucket,
        prefix,
        parameters or {},
        event=event,
        approve=approve,
        progress=progress,
    )


def roll_back(
    stack_name: str,
    *,
    to: str | None = None,
    approve: Approve = lambda _changes: True,
    region: str | None = None,
    progress: Progress = LOGGED,
) -> Deployed:
    """Make an earlier version the live one again, with all traffic at once.

    :param to: its number; None: the one before the live one that has proven itself.
    :param approve: as for :func:`deploy`.
    :raises ConfigError: there is no such stack or version.
    :raises SmokeTestFailed: that version does not answer /ping.
    :raises StackError: AWS refused.
    """
    check_name(stack_name)
    return rollback.roll_back(
        make_clients(region), stack_name, to=to, approve=approve, progress=progress
    )


def status(stack_name: str, *, region: str | None = None) -> StackReport:
    """Return what there is of a stack: its state, its versions, and which of them is live.

    :raises ConfigError: there is no such stack, or it is not one of packager's.
    :raises StackError: AWS refused or cannot be reached.
    """
    check_name(stack_name)
    return report_stack(make_clients(region), stack_name)
