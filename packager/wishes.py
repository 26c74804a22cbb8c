"""What the user wants in the bundle otherwise than the model and the rules say."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name

from packager.errors import ConfigError
from packager.logins import LOGIN_HINT, has_login
from packager.modelwheels import cached_wheel
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
    extra = [_as_line(text) for text in wishes.extra]
    kept_globs = tuple(map(_normalised, wishes.keep))
    keep = (*kept_globs, *map(_name, extra))
    drop = tuple(map(_normalised, wishes.drop))
    kept, dropped = list(requirements.kept), []
    for item in requirements.dropped:
        if _matches(_name(item.requirement), kept_globs):
            kept.append(item.requirement)
        else:
            dropped.append(item)
    kept += extra
    unwanted = [line for line in kept if _matches(_name(line), drop)]
    excluded = [item for item in requirements.excluded if not _matches(item.requirement, keep)]
    return replace(
        requirements,
        kept=tuple(line for line in kept if line not in unwanted),
        dropped=(*dropped, *(Drop(line, "unwanted: --drop") for line in unwanted)),
        excluded=(*excluded, *(Drop(glob, "unwanted: --drop") for glob in drop)),
        replaced=tuple(
            item for item in requirements.replaced if not _matches(_name(item.requirement), keep)
        ),
        added=tuple(
            item for item in requirements.added if not _matches(_name(item.requirement), drop)
        ),
    )


def _matches(name: str, globs: Iterable[str]) -> bool:
    return any(fnmatch(name, glob) for glob in globs)


def _normalised(glob: str) -> str:
    """Return the glob of canonical names, as all names are here."""
    return glob.lower().replace("_", "-").replace(".", "-")


def _name(line: str) -> str:
    return canonicalize_name(Requirement(line).name)


def _as_line(extra: str) -> str:
    if "@" not in extra and extra.endswith(".whl"):
        return _wheel_line(Path(extra))
    try:
        requirement = Requirement(extra)
    except InvalidRequirement as error:
        raise ConfigError(
            f"--with {extra}: {str(error).splitlines()[0]}",
            hint="Give a requirement as `name==version`, or the path of a wheel.",
        ) from error
    if requirement.url and has_login(requirement.url):
        raise ConfigError(
            f"--with {requirement.name}: the URL has a login, which would be in the lock",
            hint=LOGIN_HINT,
        )
    return str(requirement)


def _wheel_line(path: Path) -> str:
    if not path.is_file():
        raise ConfigError(f"--with {path}: there is no such file")
    try:
        return cached_wheel(path)
    except InvalidWheelFilename as error:
        raise ConfigError(f"--with {path}: {error}") from error
