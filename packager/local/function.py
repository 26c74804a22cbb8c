"""A function to be run here, and what its process becomes once it was started."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from packager.aws.runtimes import DEFAULT_TMP_MIB


@dataclass(frozen=True)
class Function:
    """What `packager.local.emulator.Emulator` is told of the function."""

    task_root: Path
    python: Path
    layer: Path | None
    handler: str
    environment: Mapping[str, str]
    memory_mib: int
    timeout_s: int
    tmp_mib: int = DEFAULT_TMP_MIB
    programs: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Started:
    """An emulator that runs, or has just failed to."""

    process: subprocess.Popen[bytes]
    port: int
    """Of our loopback address, on which it answers."""
    argv: list[str]


class Surroundings(Protocol):
    """Where a function runs, and what is kept from it there."""

    @property
    def user(self) -> str:
        """Whom it runs as, in words."""
        ...

    @property
    def not_enforced(self) -> tuple[str, ...]:
        """What Lambda keeps from a function and this does not, each in words."""
        ...

    depth: int
    """How many generations below the started process the function's is."""

    def start(self, output: IO[bytes], log: IO[bytes]) -> Started:
        """Start the emulator with the function.

        :param output: for what the function prints.
        :param log: for the emulator's own messages.
        """
        ...

    def stop(self, started: Started) -> None:
        """End it, the function and all that this started."""
        ...


def emulator_argv(
    binary: Path | str, port: int, runtime_port: int, function: Function
) -> tuple[str, ...]:
    """Return the emulator's command line, with the function's in it."""
    return (
        str(binary),
        *("--log-level", "info"),
        # Without both addresses the emulator listens on all interfaces, on fixed ports.
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
        *(str(function.python), "-m", "awslambdaric", function.handler),
    )
