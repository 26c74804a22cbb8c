"""A function's published versions: which is live, and which have proven themselves."""

from dataclasses import dataclass

from packager.deploying.clients import Clients, stack_errors
from packager.storage.client import error_code

LIVE = "live"
_PROVEN = "proven-"
"""Aliases of this name mark versions that passed their test. Above the live one none counts: an
alarm, or a rollback, took the traffic from it. They go when the function goes, and unlike tags
each is made, and removed, in one call that never undoes another's."""


@dataclass(frozen=True)
class Versions:
    """Numbers as texts, as Lambda has them; lowest first."""

    published: tuple[str, ...] = ()
    live: str | None = None
    """None: the alias is not made yet."""
    proven: frozenset[str] = frozenset()

    def before_live(self) -> str | None:
        """Return the highest version below the live one that has proven itself."""
        if self.live is None:
            return None
        below = [item for item in self.published if int(item) < int(self.live)]
        return next((item for item in reversed(below) if item in self.proven), None)


def read_versions(clients: Clients, function_name: str) -> Versions:
    """Return the function's versions; none when there is no such function."""
    from botocore.exceptions import ClientError  # heavy

    with stack_errors(f"read the versions of {function_name}"):
        try:
            pages = clients.functions.get_paginator("list_versions_by_function")
            published = [
                item["Version"]
                for page in pages.paginate(FunctionName=function_name)
                for item in page["Versions"]
                if item["Version"].isdigit()
            ]
            pages = clients.functions.get_paginator("list_aliases")
            aliases = {
                item["Name"]: item["FunctionVersion"]
                for page in pages.paginate(FunctionName=function_name)
                for item in page["Aliases"]
            }
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return Versions()
            raise
    return Versions(
        published=tuple(sorted(published, key=int)),
        live=aliases.get(LIVE),
        proven=frozenset(
            version for name, version in aliases.items() if name == f"{_PROVEN}{version}"
        ),
    )


def mark_proven(clients: Clients, function_name: str, version: str) -> None:
    """Note with the function that a rollback may go to this version."""
    from botocore.exceptions import ClientError  # heavy

    with stack_errors(f"mark version {version} of {function_name}"):
        try:
            clients.functions.create_alias(
                FunctionName=function_name,
                Name=f"{_PROVEN}{version}",
                FunctionVersion=version,
                Description="Passed its test and was live; `packager rollback` may go here",
            )
        except ClientError as error:
            if error_code(error) != "ResourceConflictException":
                raise
            # It is there already, or Lambda is busy with something else: then this fails too.
            clients.functions.get_alias(FunctionName=function_name, Name=f"{_PROVEN}{version}")


def unmark_proven(clients: Clients, function_name: str, version: str) -> None:
    """Note that no rollback may go to this version any more."""
    with stack_errors(f"unmark version {version} of {function_name}"):
        clients.functions.delete_alias(FunctionName=function_name, Name=f"{_PROVEN}{version}")
