"""Lambda's Python runtimes and limits, as data.

Sources, all in the AWS Lambda developer guide: "Lambda runtimes" (operating system,
deprecation), "Lambda quotas" (limits), "Lambda execution environment" (init phase),
"Improving startup performance with Lambda SnapStart", "Working with .zip file archives for
Python Lambda functions" (what the runtime ships). PEP 600 for the meaning of a manylinux tag.
"""

import platform
from collections.abc import Iterator
from dataclasses import dataclass, replace

from packaging.tags import Tag, compatible_tags, cpython_tags

from packager.errors import ConfigError

RUNTIMES_SOURCE = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"
"""Where the runtimes' systems and deprecation dates come from."""
QUOTAS_SOURCE = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
"""Where the limits come from, unless a limit names another page."""
_ENVIRONMENT_SOURCE = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"
_SNAPSTART_SOURCE = "https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html"

MAX_UNZIPPED_BYTES = 262_144_000
"""250 MiB, the function's zip and its layers unpacked."""
MAX_DIRECT_UPLOAD_BYTES = 50_000_000
"""50 MB zipped through the Lambda API; larger ones go through S3."""
MAX_IMAGE_BYTES = 10 * 2**30
"""10 GiB, all layers of a container image uncompressed."""
MAX_PAYLOAD_BYTES = 6 * 2**20
"""6 MiB, a synchronous invocation's request, and its response."""
MAX_TMP_MIB = 10_240
DEFAULT_TMP_MIB = 512
"""Also the most that SnapStart allows."""
MAX_MEMORY_MIB = 10_240
ONE_VCPU_MEMORY_MIB = 1_769
"""With this much memory a function has one whole vCPU."""
MAX_INIT_S = 10
"""An init that takes longer is ended, and run again in the first invocation."""
MAX_TIMEOUT_S = 900
MAX_LAYERS = 5
MAX_ENVIRONMENT_BYTES = 4096
"""4 KB, all environment variables of a function."""

ARCHITECTURES = ("x86_64", "arm64")
_HOSTS = {"x86_64": "x86_64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Limit:
    """One of Lambda's limits, with the page that states it."""

    name: str
    value: int
    unit: str
    source: str = QUOTAS_SOURCE


LIMITS = (
    Limit("unzipped package with layers", MAX_UNZIPPED_BYTES, "bytes"),
    Limit("zipped package, uploaded directly", MAX_DIRECT_UPLOAD_BYTES, "bytes"),
    Limit("container image, uncompressed", MAX_IMAGE_BYTES, "bytes"),
    Limit("request or response", MAX_PAYLOAD_BYTES, "bytes"),
    Limit("/tmp", MAX_TMP_MIB, "MiB"),
    Limit("/tmp with SnapStart", DEFAULT_TMP_MIB, "MiB", _SNAPSTART_SOURCE),
    Limit("memory", MAX_MEMORY_MIB, "MiB"),
    Limit("init phase", MAX_INIT_S, "s", _ENVIRONMENT_SOURCE),
    Limit("timeout", MAX_TIMEOUT_S, "s"),
    Limit("layers", MAX_LAYERS, "layers"),
    Limit("environment variables", MAX_ENVIRONMENT_BYTES, "bytes"),
)


@dataclass(frozen=True)
class RuntimePackage:
    """A distribution that Lambda's Python runtime ships."""

    name: str
    needed: str = ""
    """The versions that the runtime's other packages take (PEP 440); a copy in the bundle
    hides the runtime's own from them. Empty: any."""
    is_sdk: bool = False
    """Part of the AWS SDK for Python: released together, to be replaced together."""


# The specifiers are botocore's and python-dateutil's own (their Requires-Dist).
RUNTIME_PACKAGES = (
    RuntimePackage("awslambdaric"),
    RuntimePackage("boto3", is_sdk=True),
    RuntimePackage("botocore", is_sdk=True),
    RuntimePackage("jmespath", ">=0.7.1,<2"),
    RuntimePackage("python-dateutil", ">=2.1,<3"),
    RuntimePackage("s3transfer", is_sdk=True),
    RuntimePackage("simplejson"),
    RuntimePackage("six", ">=1.5"),
    RuntimePackage("snapshot-restore-py"),
    RuntimePackage("urllib3", ">=1.25.4,!=2.2.0,<3"),
)


@dataclass(frozen=True)
class OperatingSystem:
    """What is around the interpreter: decides which compiled code loads."""

    name: str
    glibc: tuple[int, int]
    symbol_versions: tuple[tuple[str, tuple[int, ...]], ...]
    """The newest version of each family that its libraries define, as `GLIBCXX` and 3.4.24."""
    libraries: tuple[str, ...]
    """Shared libraries that are surely there, by the names that ELF files need them under."""


# The C library's own, gcc's and zlib. manylinux wheels may also count on X11, GLib, OpenGL and
# libnsl (PEP 599): Lambda has none of them, nor gcc's OpenMP (libgomp.so.1).
_LIBRARIES = (
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libanl.so.1",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libmvec.so.1",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libstdc++.so.6",
    "libutil.so.1",
    "libz.so.1",
)

AMAZON_LINUX_2 = OperatingSystem(
    "Amazon Linux 2",
    (2, 26),
    # gcc 7.3
    (("GLIBC", (2, 26)), ("GLIBCXX", (3, 4, 24)), ("CXXABI", (1, 3, 11)), ("GCC", (7, 0, 0))),
    _LIBRARIES,
)
AMAZON_LINUX_2023 = OperatingSystem(
    "Amazon Linux 2023",
    (2, 34),
    # gcc 11
    (("GLIBC", (2, 34)), ("GLIBCXX", (3, 4, 29)), ("CXXABI", (1, 3, 13)), ("GCC", (11, 0, 0))),
    _LIBRARIES,
)
DEBIAN_12 = OperatingSystem(
    "Debian 12",
    (2, 36),
    # gcc 12; what apt needs is in each of Debian's images, libstdc++ among it.
    (("GLIBC", (2, 36)), ("GLIBCXX", (3, 4, 30)), ("CXXABI", (1, 3, 13)), ("GCC", (12, 0, 0))),
    _LIBRARIES,
)
"""Of the images of `python`, Docker's own, that have every Python since 3.7."""


@dataclass(frozen=True)
class Runtime:
    """One managed runtime of Lambda, or a Python of Debian's that an image brings."""

    name: str
    """Lambda's identifier, as `python3.11`."""
    system: OperatingSystem
    uv_platform: str
    """The newest manylinux level that uv names and that this glibc satisfies."""
    deprecation: str
    """Date (ISO) from which AWS no longer patches it."""
    has_snapstart: bool
    bytecode_magic: int
    """The number that begins the bytecode files of this Python (its importlib's source)."""
    next_uv_platform: str | None = None
    """The level after it that uv names, where levels between the two load on this glibc."""

    @property
    def python(self) -> str:
        """The interpreter's minor version, as `3.11`."""
        return self.name.removeprefix("python")

    @property
    def python_version(self) -> tuple[int, int]:
        """The interpreter's minor version, to compare."""
        major, minor = self.python.split(".")
        return int(major), int(minor)

    @property
    def abi_flags(self) -> str:
        """What the names of its libraries and modules say after the version."""
        return "" if self.python_version >= (3, 8) else "m"  # it told of an allocator

    @property
    def glibc(self) -> tuple[int, int]:
        """The version of the C library."""
        return self.system.glibc


# uv knows no level between 2.17 and 2.28: lock/wheel_levels.py finds manylinux_2_24's wheels.
RUNTIMES = (
    Runtime(
        *("python3.11", AMAZON_LINUX_2, "manylinux2014", "2027-06-30", False, 3495),
        next_uv_platform="manylinux_2_28",
    ),
    Runtime("python3.12", AMAZON_LINUX_2023, "manylinux_2_34", "2028-10-31", True, 3531),
    Runtime("python3.13", AMAZON_LINUX_2023, "manylinux_2_34", "2029-06-30", True, 3571),
    Runtime("python3.14", AMAZON_LINUX_2023, "manylinux_2_34", "2029-06-30", True, 3627),
)

# Debian's, for models that Lambda's runtimes cannot load: an image can have any of them.
OWN_PYTHONS = tuple(
    Runtime(f"python{minor}", DEBIAN_12, "manylinux_2_36", deprecation, False, magic)
    for minor, deprecation, magic in (
        # From their own developers, there is no patch any more after the date.
        ("3.7", "2023-06-27", 3394),
        ("3.8", "2024-10-07", 3413),
        ("3.9", "2025-10-31", 3425),
        ("3.10", "2026-10-31", 3439),
        ("3.11", "2027-10-31", 3495),
        ("3.12", "2028-10-31", 3531),
        ("3.13", "2029-10-31", 3571),
        ("3.14", "2030-10-31", 3627),
    )
)
_NEWEST_UV_LEVEL = "manylinux_2_40"

# PEP 600: the older names of three levels, and the first level of each machine.
_LEGACY_LEVELS = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
_FIRST_GLIBC_MINOR = {"x86_64": 5, "aarch64": 17}


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
    def at_next_level(self) -> "Target | None":
        """The same for uv at the next level that it names; None: it knows all that load here."""
        level = self.runtime.next_uv_platform
        if level is None:
            return None
        return replace(self, runtime=replace(self.runtime, uv_platform=level))

    @property
    def any_level_args(self) -> tuple[str, ...]:
        """Uv's options for this Python and architecture where every wheel loads."""
        args = list(self.uv_args)
        args[args.index(self.uv_platform)] = f"{self.machine}-{_NEWEST_UV_LEVEL}"
        return tuple(args)

    @property
    def uv_args(self) -> tuple[str, ...]:
        """Uv's options for this target and never for the machine it runs on: wheels only."""
        return (
            *("--python-version", self.runtime.python),
            *("--python-platform", self.uv_platform),
            *("--only-binary", ":all:"),
        )

    @property
    def wheel_platforms(self) -> tuple[str, ...]:
        """The platform tags of wheels that load here, newest first."""
        return tuple(self._wheel_platforms())

    @property
    def wheel_tags(self) -> frozenset[Tag]:
        """The tags of all wheels that load here (PEP 425)."""
        version, platforms = self.runtime.python_version, self.wheel_platforms
        interpreter = f"cp{version[0]}{version[1]}"
        abis = [f"{interpreter}{self.runtime.abi_flags}"]
        own = cpython_tags(version, abis=abis, platforms=platforms)
        return frozenset((*own, *compatible_tags(version, interpreter, platforms)))

    @property
    def libraries(self) -> frozenset[str]:
        """The shared libraries that are surely there, by the names that ELF files need."""
        # In /var/lang/lib, which is on Lambda's LD_LIBRARY_PATH.
        own = f"libpython{self.runtime.python}{self.runtime.abi_flags}.so.1.0"
        return frozenset((*self.runtime.system.libraries, own))

    @property
    def description(self) -> str:
        """The target in words, for messages."""
        major, minor = self.runtime.glibc
        return f"{self.runtime.name} on {self.architecture} (glibc {major}.{minor})"

    def _wheel_platforms(self) -> Iterator[str]:
        major, newest = self.runtime.glibc
        for minor in range(newest, _FIRST_GLIBC_MINOR[self.machine] - 1, -1):
            yield f"manylinux_{major}_{minor}_{self.machine}"
            legacy = _LEGACY_LEVELS.get((major, minor))
            if legacy:
                yield f"{legacy}_{self.machine}"
        # What a wheel built on one machine for itself has: ELF symbol versions decide.
        yield f"linux_{self.machine}"


def find_target(runtime: str, architecture: str) -> Target:
    """Return the target of these two Lambda identifiers.

    :raises ConfigError: one of them is unknown.
    """
    names = [known.name for known in RUNTIMES]
    if runtime not in names:
        near = f"python{runtime}"
        hint = f"Did you mean {near}?" if near in names else f"Known: {', '.join(names)}."
        raise ConfigError(f"unknown runtime {runtime!r}", hint=hint)
    if architecture not in ARCHITECTURES:
        raise ConfigError(
            f"unknown architecture {architecture!r}", hint=f"Known: {', '.join(ARCHITECTURES)}."
        )
    return Target(RUNTIMES[names.index(runtime)], architecture)


def own_python_target(python: str, architecture: str) -> Target | None:
    """Return where a model's own Python, as `3.8`, runs in an image; None: there is no such image.

    :param architecture: Lambda's identifier.
    """
    for runtime in OWN_PYTHONS:
        if runtime.python == python:
            return Target(runtime, architecture)
    return None


def runtime_for_python(version: str | None) -> str:
    """Return the runtime of a model trained under this Python, as `3.11.7`.

    The nearest newer runtime where Lambda never had that minor or no longer has it;
    the newest one when the model does not say.
    """
    if version is None:
        return RUNTIMES[-1].name
    wanted = tuple(int(part) for part in version.split(".")[:2])
    for runtime in RUNTIMES:
        if runtime.python_version >= wanted:
            return runtime.name
    return RUNTIMES[-1].name


def host_architecture() -> str | None:
    """Return Lambda's identifier of this machine's architecture; None if Lambda has none."""
    return _HOSTS.get(platform.machine())
