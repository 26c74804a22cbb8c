"""What there is of a stack, live or not, and which stacks there are."""

from dataclasses import dataclass

from packager.deploying.changes import change_sets_of
from packager.deploying.clients import Clients, stack_errors
from packager.deploying.parameters import LIVE_VERSION
from packager.deploying.plan import stored_at
from packager.deploying.stack import Stack, described, read_stack, template_of
from packager.deploying.steps import our_stack
from packager.deploying.versions import Versions, read_versions


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
    proven: tuple[str, ...]
    """Those that passed their test and took over the traffic: `packager rollback` goes to these."""
    change_sets: tuple[str, ...]
    """Made and never executed; the next `packager deploy` does not need them."""
    stored: str | None
    """Where model and zips are in S3; None: packager did not put them there."""


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
        proven=tuple(item for item in versions.published if item in versions.proven),
        change_sets=change_sets_of(clients, stack),
        stored=None if stack.is_empty else stored_at(template_of(clients, stack)),
    )


def deployed_stacks(clients: Clients) -> list[Stack]:
    """Return the stacks of packager's template, sorted by name; empty ones are not among them."""
    with stack_errors("list the stacks"):
        pages = clients.cloudformation.get_paginator("describe_stacks")
        stacks = [described(item) for page in pages.paginate() for item in page["Stacks"]]
    ours = [item for item in stacks if LIVE_VERSION in item.parameters and not item.is_empty]
    return sorted(ours, key=lambda item: item.name)
