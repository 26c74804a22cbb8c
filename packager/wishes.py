"""What the user wants in the bundle otherwise than the model and the rules say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from packager.errors import ConfigError
from packager.requirements import Drop, Requirements


@dataclass(frozen=True)
class Wishes:
    """The user's word, which goes before every rule's."""

    extra: tuple[str, ...] = ()
    """PEP 508 lines, or paths of wheels, that the bundle needs besides."""
    keep: tuple[str, ...] = ()
    """Globs of packages that no rule may drop."""
    drop: tuple[str, ...] = ()
    """Globs of packages that stay out, whoever requires them."""


def grant(wishes: Wishes, requirements: Requirements) -> Requirements:
    """Return the requirements as the user wants them.

    :raises ConfigError: an extra requirement is neither a PEP 508 line nor a wheel.
    """
    kept, dropped = list(requirements.kept), []
    for drop in requirements.dropped:
        if _matches(_name(drop.requirement), wishes.keep):
            kept.append(drop.requirement)
        else:
            dropped.append(drop)
    kept += [_as_line(extra) for extra in wishes.extra]
    unwanted = [line for line in kept if _matches(_name(line), wishes.drop)]
    excluded = [
        drop for drop in requirements.excluded if not _matches(drop.requirement, wishes.keep)
    ]
    return replace(
        requirements,
        kept=tuple(line for line in kept if line not in unwanted),
        dropped=(*dropped, *(Drop(line, "unwanted: --drop") for line in unwanted)),
        excluded=(*excluded, *(Drop(glob, "unwanted: --drop") for glob in wishes.drop)),
        replaced=tuple(
            item
            for item in requirements.replaced
            if not _matches(_name(item.requirement), wishes.keep)
        ),
        added=tuple(
            item
            for item in requirements.added
            if not _matches(_name(item.requirement), wishes.drop)
        ),
    )


def _matches(name: str, globs: Sequence[str]) -> bool:
    return any(fnmatch(name, glob.lower().replace("_", "-")) for glob in globs)


def _name(line: str) -> str:
    return canonicalize_name(Requirement(line).name)


def _as_line(extra: str) -> str:
    try:
        if not extra.endswith(".whl"):
            return str(Requirement(extra))
        path = Path(extra)
        name = parse_wheel_filename(path.name)[0]
    except (InvalidRequirement, InvalidWheelFilename) as error:
        raise ConfigError(
            f"--with {extra}: {str(error).splitlines()[0]}",
            hint="Give a requirement as `name==version`, or the path of a wheel.",
        ) from error
    if not path.is_file():
        raise ConfigError(f"--with {extra}: there is no such file")
    return f"{name} @ {path.resolve().as_uri()}"
