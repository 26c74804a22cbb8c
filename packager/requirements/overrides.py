"""What the user wants in the bundle otherwise than the model and the rules say."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name

from packager.errors import ConfigError
from packager.model.wheels import cached_wheel
from packager.requirements.select import Drop, Requirements
from packager.requirements.substitutes import KEPT_AS_STAND_IN, Replacement, find_replacements
from packager.support.redaction import LOGIN_HINT, has_login

UNWANTED = "unwanted: --drop"
"""Why something is left out that the user does not want."""


@dataclass(frozen=True)
class Overrides:
    """The user's word, which goes before every rule's."""

    extra: tuple[str, ...] = ()
    """PEP 508 lines, or paths of wheels, that the bundle needs besides."""
    keep: tuple[str, ...] = ()
    """Globs of packages that no rule may drop; MLflow is kept as mlflow-skinny."""
    drop: tuple[str, ...] = ()
    """Globs of packages that stay out, whoever requires them."""


def apply_overrides(overrides: Overrides, requirements: Requirements) -> Requirements:
    """Return the requirements as the user wants them.

    :raises ConfigError: an extra requirement is neither a PEP 508 line nor a wheel.
    """
    extra = [_as_line(text) for text in overrides.extra]
    kept_globs = tuple(map(_normalised, overrides.keep))
    asked = frozenset(map(_name, extra))
    drop = tuple(map(_normalised, overrides.drop))
    kept, dropped = list(requirements.kept), []
    for item in requirements.dropped:
        if _matches(_name(item.requirement), kept_globs):
            kept.append(item.requirement)
        else:
            dropped.append(item)
    replaced = (
        *requirements.replaced,
        *_stand_ins(line for line in kept if line not in requirements.kept),
    )
    kept += extra
    unwanted = [line for line in kept if _matches(_name(line), drop)]
    excluded = [
        item
        for item in requirements.excluded
        if not _is_wanted_itself(item.requirement, asked, kept_globs)
    ]
    return replace(
        requirements,
        kept=tuple(line for line in kept if line not in unwanted),
        dropped=(*dropped, *(Drop(line, UNWANTED) for line in unwanted)),
        excluded=(*excluded, *(Drop(glob, UNWANTED) for glob in drop)),
        replaced=tuple(
            item
            for item in replaced
            if not _is_wanted_itself(_name(item.requirement), asked, kept_globs)
        ),
        added=tuple(
            item for item in requirements.added if not _matches(_name(item.requirement), drop)
        ),
    )


def _stand_ins(lines: Iterable[str]) -> tuple[Replacement, ...]:
    """Return what comes instead of these, which a rule had dropped and `--keep` brings back."""
    parsed = {line: Requirement(line) for line in lines if _name(line) in KEPT_AS_STAND_IN}
    return find_replacements(parsed, None)


def _is_wanted_itself(name: str, asked: Container[str], keep: Iterable[str]) -> bool:
    """Tell whether the user wants this package and no other in its place."""
    return name in asked or (name not in KEPT_AS_STAND_IN and _matches(name, keep))


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
