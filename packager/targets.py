"""Lambda's Python runtimes and limits, as data.

Sources: AWS Lambda developer guide, "Lambda runtimes", "Building Lambda functions with
Python" and "Lambda quotas"; PEP 600 for the meaning of a manylinux tag.
"""

from dataclasses import dataclass

from packager.errors import ConfigError

MAX_UNZIPPED_BYTES = 262_144_000
"""250 MiB, the function's zip and its layers unpacked (Lambda quotas)."""
MAX_DIRECT_UPLOAD_BYTES = 50_000_000
"""50 MB zipped through the Lambda API; larger ones go through S3 (Lambda quotas)."""

ARCHITECTURES = ("x86_64", "arm64")


@dataclass(frozen=True)
class Runtime:
    """One managed runtime of Lambda."""

    name: str
    """Lambda's identifier, as `python3.11`."""
    glibc: tuple[int, int]
    uv_platform: str
    """The newest manylinux level that uv names and that this glibc satisfies."""
    deprecation: str
    """Date (ISO) from which AWS no longer patches it."""

    @property
    def python(self) -> str:
        """The interpreter's minor version, as `3.11`."""
        return self.name.removeprefix("python")


# Amazon Linux 2 has glibc 2.26, Amazon Linux 2023 has 2.34. uv knows no level between
# 2.17 and 2.28, so a wheel tagged manylinux_2_24 is passed over on python3.11: safe.
RUNTIMES = (
    Runtime("python3.11", (2, 26), "manylinux2014", "2027-06-30"),
    Runtime("python3.12", (2, 34), "manylinux_2_34", "2028-10-31"),
    Runtime("python3.13", (2, 34), "manylinux_2_34", "2029-06-30"),
    Runtime("python3.14", (2, 34), "manylinux_2_34", "2029-06-30"),
)


@dataclass(frozen=True)
class Target:
    """What a bundle is built for: a runtime on an architecture."""

    runtime: Runtime
    architecture: str
    """Lambda's identifier: `x86_64` or `arm64`."""

    @property
    def machine(self) -> str:
        """The architecture as wheel tags and uv spell it."""
        return "aarch64" if self.architecture == "arm64" else self.architecture

    @property
    def uv_platform(self) -> str:
        """The value for uv's `--python-platform`."""
        return f"{self.machine}-{self.runtime.uv_platform}"

    @property
    def description(self) -> str:
        """The target in words, for messages."""
        major, minor = self.runtime.glibc
        return f"{self.runtime.name} on {self.architecture} (glibc {major}.{minor})"


def find_target(runtime: str, architecture: str) -> Target:
    """Return the target of these two Lambda identifiers.

    :raises ConfigError: one of them is unknown.
    """
    names = [known.name for known in RUNTIMES]
    if runtime not in names:
        raise ConfigError(f"unknown runtime {runtime!r}", hint=f"Known: {', '.join(names)}.")
    if architecture not in ARCHITECTURES:
        raise ConfigError(
            f"unknown architecture {architecture!r}", hint=f"Known: {', '.join(ARCHITECTURES)}."
        )
    return Target(RUNTIMES[names.index(runtime)], architecture)


def runtime_for_python(version: str | None) -> str:
    """Return the runtime of a model trained under this Python, as `3.11.7`.

    The nearest newer runtime where Lambda never had that minor or no longer has it;
    the newest one when the model does not say.
    """
    if version is None:
        return RUNTIMES[-1].name
    wanted = tuple(int(part) for part in version.split(".")[:2])
    for runtime in RUNTIMES:
        if tuple(int(part) for part in runtime.python.split(".")) >= wanted:
            return runtime.name
    return RUNTIMES[-1].name
