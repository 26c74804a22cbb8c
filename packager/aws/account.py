"""Which AWS credentials and region boto3 would take, told without a network call."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# They read the environment and files; a role or a session is only asked for at the first use.
_READ = frozenset(
    {
        "env",
        "assume-role-with-web-identity",
        "sso",
        "shared-credentials-file",
        "login",
        "config-file",
        "ec2-credentials-file",
        "boto-config",
    }
)
_CONTAINER_VARIABLES = (
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


@dataclass(frozen=True)
class AwsSettings:
    """What boto3 would take. No secret is in it, nor any part of one."""

    profile: str
    provider: str | None
    """botocore's name of what gives the credentials, as `env` or `sso`; None: nothing does,
    unless this machine is an EC2 instance with a role."""
    is_read: bool
    """False: the provider is set up, but only a program or the network tells what it gives."""
    region: str | None


def read_aws_settings() -> AwsSettings:
    """Return what the environment and AWS's own files say.

    :raises botocore.exceptions.BotoCoreError: they are broken, or name a profile that is not.
    """
    import boto3  # half a second of import, as everywhere
    import botocore.session

    core = botocore.session.get_session()
    session = boto3.Session(botocore_session=core)
    profile = str(core.get_config_variable("profile") or "default")
    # Read first: a profile that does not exist is an error here, not "no credentials".
    settings = dict(core.get_scoped_config())
    provider, is_read = _first_provider(core, settings)
    return AwsSettings(profile, provider, is_read, session.region_name)


def _first_provider(core: Any, settings: dict[str, Any]) -> tuple[str | None, bool]:
    unread = set(_unread(settings))
    for provider in core.get_component("credential_provider").providers:  # in botocore's order
        if provider.METHOD in unread:
            return str(provider.METHOD), False
        if provider.METHOD in _READ and provider.load() is not None:
            return str(provider.METHOD), True
    return None, False


def _unread(settings: dict[str, Any]) -> Iterator[str]:
    """Yield the providers that are set up, but would start a program or ask the network."""
    if "role_arn" in settings and "web_identity_token_file" not in settings:
        yield "assume-role"  # its source may be either
    if "credential_process" in settings:
        yield "custom-process"
    if any(os.environ.get(name) for name in _CONTAINER_VARIABLES):
        yield "container-role"
