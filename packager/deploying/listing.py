"""All deployments of a region."""

from packager.deploying.clients import Clients, stack_errors
from packager.deploying.parameters import LIVE_VERSION
from packager.deploying.stack import Stack, described


def deployed_stacks(clients: Clients) -> list[Stack]:
    """Return the stacks of packager's template, sorted by name; empty ones are not among them."""
    with stack_errors("list the stacks"):
        pages = clients.cloudformation.get_paginator("describe_stacks")
        stacks = [described(item) for page in pages.paginate() for item in page["Stacks"]]
    ours = [item for item in stacks if LIVE_VERSION in item.parameters and not item.is_empty]
    return sorted(ours, key=lambda item: item.name)
