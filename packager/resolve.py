"""Turn requirements into a lock for the target: exact versions, wheels only, with hashes."""

import re
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from handler.manifest import PackageEntry
from packager.errors import NoMatchingWheel, ResolutionFailed, ToolFailed
from packager.targets import RUNTIMES, Target
from packager.uv import run_uv


@dataclass(frozen=True)
class Lock:
    """A resolved set of wheels."""

    text: str
    """The `pylock.toml` (PEP 751)."""
    packages: tuple[PackageEntry, ...]
    """Sorted by name."""

    @classmethod
    def from_pylock(cls, text: str) -> "Lock":
        """Read a `pylock.toml`."""
        packages = tomllib.loads(text).get("packages", [])
        entries = (PackageEntry(item["name"], item["version"]) for item in packages)
        return cls(text, tuple(sorted(entries, key=lambda entry: entry.name)))


class Resolver(Protocol):
    """Resolves requirements for a target."""

    def resolve(
        self,
        requirements: Sequence[str],
        target: Target,
        *,
        runtime_packages: Sequence[str],
        excluded: Sequence[str] = (),
    ) -> Lock:
        """Return the lock of `requirements`.

        :param runtime_packages: resolved with the rest, so that what is in the zip fits
            them, then left out.
        :param excluded: names of packages that stay out though something requires them.
        :raises NoMatchingWheel: a pinned version has no wheel that the target loads.
        :raises ResolutionFailed: they contradict each other or the index cannot be read.
        """


class UvResolver:
    """Resolves with uv, always for an explicit platform and never for this machine."""

    def resolve(
        self,
        requirements: Sequence[str],
        target: Target,
        *,
        runtime_packages: Sequence[str],
        excluded: Sequence[str] = (),
    ) -> Lock:
        """See :meth:`Resolver.resolve`."""
        try:
            pins = _compile([*requirements, *runtime_packages], target, excluded=excluded)
            # The second pass drops what only the runtime's own packages wanted.
            text = _compile(requirements, target, pins=pins, excluded=excluded, pylock=True)
        except ToolFailed as error:
            raise _explain(error, requirements, target) from error
        return Lock.from_pylock(_without_header(text))


def _compile(
    requirements: Sequence[str],
    target: Target,
    *,
    pins: str = "",
    excluded: Sequence[str] = (),
    pylock: bool = False,
) -> str:
    """Run `uv pip compile` for the target.

    :param pins: requirements lines that the result must agree with where it has them.
    """
    args = ["pip", "compile", "-", "--python-version", target.runtime.python]
    args += ["--python-platform", target.uv_platform, "--only-binary", ":all:"]
    args += ["--no-header", "--no-annotate"]
    if pylock:
        args += ["--format", "pylock.toml"]
    # An override replaces what packages require; this one never applies.
    overrides = "".join(f"{name}; python_version < '0'\n" for name in excluded)
    with tempfile.TemporaryDirectory() as folder:
        for option, text in (("--constraints", pins), ("--overrides", overrides)):
            file = Path(folder) / option
            file.write_text(text, encoding="utf-8")
            args += [option, str(file)]
        return run_uv(args, stdin="\n".join(requirements))


def _without_header(text: str) -> str:
    # uv's first lines name its own command line; the lock must not depend on where it ran.
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))


def _explain(error: ToolFailed, requirements: Sequence[str], target: Target) -> Exception:
    """Return the error that tells the user which requirement is at fault, and what would do."""
    if _index_is_unreachable(str(error)):
        return ResolutionFailed(
            f"the package index cannot be read: {_last_cause(error)}",
            hint="Check the network, and UV_INDEX_URL if you use an index of your own.",
        )
    for line in requirements:
        requirement = Requirement(line)
        version = _pinned_version(requirement)
        if version and not _resolves([line], target, alone=True):
            wheels = _wheel_tags(requirement.name, version, target)
            if wheels is not None:
                return NoMatchingWheel(
                    requirement.name,
                    version,
                    wanted=f"a wheel for {target.description}",
                    found=wheels,
                    hint=_runtime_that_would_do(requirements, target),
                )
    return ResolutionFailed(
        f"the model's requirements cannot be met on {target.description}:\n{_uv_reason(error)}",
        hint="Change the versions in the model's requirements.txt so that they fit each other.",
    )


def _index_is_unreachable(message: str) -> bool:
    return any(
        sign in message for sign in ("Failed to fetch", "error sending request", "dns error")
    )


def _last_cause(error: ToolFailed) -> str:
    return str(error).strip().splitlines()[-1].strip()


def _uv_reason(error: ToolFailed) -> str:
    lines = str(error).splitlines()[1:]
    return "\n".join(line for line in lines if line.strip() and not line.startswith("warning"))


def _pinned_version(requirement: Requirement) -> str | None:
    for clause in requirement.specifier:
        if clause.operator in ("==", "===") and not clause.version.endswith(".*"):
            return clause.version
    return None


def _resolves(requirements: Sequence[str], target: Target, *, alone: bool = False) -> bool:
    args = ["pip", "compile", "-", "--quiet", "--python-version", target.runtime.python]
    args += ["--python-platform", target.uv_platform, "--only-binary", ":all:"]
    if alone:
        args.append("--no-deps")
    try:
        run_uv(args, stdin="\n".join(requirements))
    except ToolFailed:
        return False
    return True


def _wheel_tags(name: str, version: str, target: Target) -> list[str] | None:
    """Return the platform tags of the version's wheels for the target's Python.

    None: there is no such version at all.
    """
    args = ["pip", "compile", "-", "--no-deps", "--universal", "--format", "pylock.toml"]
    args += ["--python-version", target.runtime.python]
    try:
        lock = tomllib.loads(run_uv(args, stdin=f"{name}=={version}"))
    except ToolFailed:
        return None
    tags: set[str] = set()
    for package in lock.get("packages", []):
        if canonicalize_name(package["name"]) != canonicalize_name(name):
            continue
        for wheel in package.get("wheels", []):
            filename = wheel.get("name") or wheel["url"].rsplit("/", 1)[1]
            tags |= _platforms_for(filename, target)
    return sorted(tags)


def _platforms_for(filename: str, target: Target) -> set[str]:
    interpreter = "cp" + target.runtime.python.replace(".", "")
    return {
        tag.platform
        for tag in parse_wheel_filename(filename)[3]
        if tag.interpreter == interpreter or tag.abi == "abi3" or tag.interpreter == "py3"
        if re.search(f"{target.machine}$|^any$", tag.platform)
    }


def _runtime_that_would_do(requirements: Sequence[str], target: Target) -> str:
    for runtime in RUNTIMES:
        if runtime == target.runtime:
            continue
        other = Target(runtime, target.architecture)
        if _resolves(requirements, other):
            return f"All requirements can be met on {other.description}: --runtime {runtime.name}."
    return (
        "No Lambda runtime can take these versions: log the model again in an environment"
        " whose versions have wheels for one."
    )
