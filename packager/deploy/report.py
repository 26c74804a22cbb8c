"""What there is of a stack, live or not."""

from dataclasses import dataclass

from packager.deploy.clients import Clients, stack_errors
from packager.deploy.plan import stored_at
from packager.deploy.stack import Stack, read_stack, template_of
from packager.deploy.story import our_stack
from packager.deploy.versions import Versions, read_versions


@dataclass(frozen=True)
class StackReport:
    """A stack, its versions, and what an interrupted command may have left."""

    name: str
    status: str
    reason: str
    endpoint: str | None
    live_version: str | None
    versions: tuple[str, ...]
    """Published ones, lowest first."""
    passed: tuple[str, ...]
    """Those that answered their smoke test: `packager rollback` goes to these."""
    change_sets: tuple[str, ...]
    """Made and never executed; the next `packager deploy` does not need them."""
    stored: str | None
    """Where models and zips are in S3, earlier ones too; None: packager did not put them there."""


def report_stack(clients: Clients, name: str) -> StackReport:
    """Return what there is, without waiting for anything.

    :raises ConfigError: there is no such stack, or it is none of packager's.
    """
    return report_of(clients, our_stack(clients, name, read_stack(clients, name)))


def report_of(clients: Clients, stack: Stack) -> StackReport:
    """Return the same for a stack of packager's that has been read."""
    versions = read_versions(clients, stack.function_name) if stack.function_name else Versions()
    return StackReport(
        name=stack.name,
        status=stack.status,
        reason=stack.reason,
        endpoint=stack.outputs.get("Endpoint"),
        live_version=versions.live,
        versions=versions.published,
        passed=tuple(item for item in versions.published if item in versions.passed),
        change_sets=_pending(clients, stack),
        stored=None if stack.is_empty else stored_at(template_of(clients, stack)),
    )


def _pending(clients: Clients, stack: Stack) -> tuple[str, ...]:
    with stack_errors(f"list the change sets of {stack.name}"):
        pages = clients.cloudformation.get_paginator("list_change_sets")
        found = [item for page in pages.paginate(StackName=stack.id) for item in page["Summaries"]]
    return tuple(
        item["ChangeSetName"]
        for item in found
        if item.get("ExecutionStatus") == "AVAILABLE" and item.get("StackId") == stack.id
    )
