"""What kind of machine this is, in Lambda's words."""

import platform

_MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}


def host_architecture() -> str | None:
    """Return Lambda's identifier of this machine's architecture; None if Lambda has none."""
    return _MACHINES.get(platform.machine())
