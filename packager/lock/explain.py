"""Why requirements cannot be met on a target, and what would do."""

import re
import tomllib
from collections.abc import Sequence

from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import canonicalize_name, parse_wheel_filename

from packager.aws.runtimes import RUNTIMES, Runtime, Target
from packager.errors import (
    DependencyError,
    IndexUnreachable,
    NoMatchingWheel,
    ResolutionFailed,
    ToolFailed,
    Unobtainable,
)
from packager.support.redaction import without_login
from packager.support.uv import Indexes, run_uv

_UNREACHABLE = ("Failed to fetch", "error sending request", "dns error", "Could not connect")
_OLDER_PYTHONS = ("3.8", "3.9", "3.10")
"""That Lambda had, and old versions of packages may have their last wheels for."""
_UNKNOWN = re.compile(r"(?:Because|and) ([\w.-]+) was not found in the p")
_WHEELLESS = re.compile(r"\b([\w.-]+?)(==[\w.+!]+)? has no usable wheels")
_UNFETCHED = ("Failed to download", "Git operation failed", "Distribution not found at")


def explain_failure(
    error: ToolFailed, requirements: Sequence[str], target: Target, indexes: Indexes
) -> DependencyError:
    """Return the error that tells which requirement is at fault: tags wanted, tags found.

    :param error: uv's, of a resolution for this target.
    """
    return _unloadable(requirements, target, indexes) or ResolutionFailed(
        f"the model's requirements cannot be met on {target.description}:\n{_reason(error)}",
        hint="Change the versions in the model's requirements.txt so that they fit each other,"
        " or pin what the model leaves open with --constraints.",
    )


def final_cause(
    error: ToolFailed, requirements: Sequence[str], python: str, indexes: Indexes
) -> DependencyError | None:
    """Return the error for a cause that is the same on every target; None: it may be another's.

    :param python: a minor version, as `3.11`.
    """
    message = str(error)
    for line in requirements:
        requirement = Requirement(line)
        if requirement.url and any(sign in message for sign in (*_UNREACHABLE, *_UNFETCHED)):
            return Unobtainable(
                f"{requirement.name} cannot be had from {without_login(requirement.url)}:"
                f" {_last_cause(error)}",
                hint="Get the wheel where that place can be reached, and give it with --with PATH."
                f" --drop {requirement.name} builds without it.",
            )
    if down := unreachable(error):
        return down
    if unknown := _UNKNOWN.search(message):
        other = "" if indexes.has_places else "Name the one that has it with --extra-index-url. "
        return Unobtainable(
            f"no package index that was asked has {unknown[1]}, which is required",
            hint=f"{other}{_way_out(unknown[1])}",
        )
    for match in _WHEELLESS.finditer(message):
        line = f"{match[1]}{match[2] or ''}"
        if _all_wheels(line, match[1], python, indexes) == []:
            return Unobtainable(
                f"{line} has no wheel for any platform: source distribution only, and only wheels"
                " are installed, never built",
                hint=_way_out(match[1]),
            )
    return None


def _way_out(name: str) -> str:
    return (
        f"`pip wheel --no-deps {name}` makes a wheel where it can be built: give it with --with"
        f" PATH. --drop {name} builds without it."
    )


def unreachable(error: ToolFailed) -> IndexUnreachable | None:
    """Return the error for a package index that does not answer; None: uv failed otherwise."""
    if not any(sign in str(error) for sign in _UNREACHABLE):
        return None
    return IndexUnreachable(
        f"the package index cannot be read: {without_login(_last_cause(error))}",
        hint="Check the network, and UV_DEFAULT_INDEX or --index-url if you use an index of"
        " your own.",
    )


def _unloadable(
    requirements: Sequence[str], target: Target, indexes: Indexes
) -> NoMatchingWheel | None:
    """Return the error for the first requirement whose wheels the target cannot load."""
    for line in requirements:
        requirement = Requirement(line)
        # Asking for all of its wheels would build what the URL names, which executes it.
        if requirement.url or _newest_loadable(line, target, indexes) is not None:
            continue
        version = _pinned_version(requirement)
        wheels = _all_wheels(line, requirement.name, target.runtime.python, indexes)
        if wheels is not None:
            tags, is_final = _wheel_tags(wheels, target)
            # The newest of all is the nearest to a version that is too new.
            newest = _newest_loadable(requirement.name, target, indexes)
            return NoMatchingWheel(
                requirement.name,
                version or str(requirement.specifier),
                wanted=f"a wheel for {target.description}",
                found=tags,
                hint=None if newest is None else f"The newest that loads there: {newest}.",
                is_final=is_final,
            )
    return None


def _newest_loadable(line: str, target: Target, indexes: Indexes) -> str | None:
    """Return the newest version with a wheel for the target, as `name==version`; or None."""
    args = ["pip", "compile", "-", "--quiet", "--no-deps", "--no-header", "--no-annotate"]
    try:
        return run_uv([*args, *target.uv_args, *indexes.args], stdin=line).strip()
    except ToolFailed:
        return None


def _wheel_tags(wheels: Sequence[str], target: Target) -> tuple[list[str], bool]:
    """Return the tags of wheels that tell why the target loads none, and whether no runtime does.

    The platforms of those for its Python; else those of the newest Python's with that; else the
    other systems that they are for.
    """
    tags = [tag for wheel in wheels for tag in parse_wheel_filename(wheel)[3]]
    here = [tag for tag in tags if re.search(f"linux.*{target.machine}$|^any$", tag.platform)]
    if not here:
        return sorted({tag.platform for tag in tags}), True
    own = {tag.platform for tag in here if _is_of(target.runtime, tag)}
    if own:
        return sorted(own), False
    newest = max(here, key=lambda tag: (len(tag.interpreter), tag.interpreter)).interpreter
    is_final = not any(_is_of(runtime, tag) for runtime in RUNTIMES for tag in here)
    return (
        sorted({f"{newest}-{tag.platform}" for tag in here if tag.interpreter == newest}),
        is_final,
    )


def _is_of(runtime: Runtime, tag: Tag) -> bool:
    interpreter = "cp" + runtime.python.replace(".", "")
    return tag.interpreter in (interpreter, "py3") or tag.abi == "abi3"


def _all_wheels(line: str, name: str, python: str, indexes: Indexes) -> list[str] | None:
    """Return the names of the version's wheels for this Python and newer ones, else for all.

    Empty: it is a source distribution only. None: there is no such version.
    """
    # uv answers for all Pythons from one on, and for none where the version wants newer ones.
    wheels = _wheels(line, name, python, indexes)
    for older in () if wheels else _OLDER_PYTHONS:
        found = _wheels(line, name, older, indexes)
        if found is not None:
            return found
    return wheels


def _wheels(line: str, name: str, python: str, indexes: Indexes) -> list[str] | None:
    """Return the names of the version's wheels; None where this Python can have none."""
    args = ["pip", "compile", "-", "--no-deps", "--universal", "--format", "pylock.toml"]
    args += ["--python-version", python, *indexes.args]
    try:
        lock = tomllib.loads(run_uv(args, stdin=line))
    except ToolFailed:
        return None
    packages = [
        package
        for package in lock.get("packages", [])
        if canonicalize_name(package["name"]) == canonicalize_name(name)
    ]
    if not any(package.get("wheels") or package.get("sdist") for package in packages):
        return None
    found = [wheel for package in packages for wheel in package.get("wheels", [])]
    return [wheel.get("name") or wheel["url"].rsplit("/", 1)[1] for wheel in found]


def _pinned_version(requirement: Requirement) -> str | None:
    for clause in requirement.specifier:
        if clause.operator in ("==", "===") and not clause.version.endswith(".*"):
            return clause.version
    return None


def _last_cause(error: ToolFailed) -> str:
    return str(error).strip().splitlines()[-1].strip().removeprefix("cause: ")


def _reason(error: ToolFailed) -> str:
    lines = str(error).splitlines()[1:]
    told = [line for line in lines if line.strip() and not line.startswith("warning")]
    return without_login("\n".join(told))
