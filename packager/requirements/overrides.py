"""What the user wants in the bundle otherwise than the model and the rules say."""

import shlex
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, is_normalized_name

from packager.errors import ConfigError, DependencyError
from packager.model.wheels import cached_wheel
from packager.requirements.lines import IgnoredLine, UnreadableLine
from packager.requirements.select import UNWANTED, Drop, Requirements
from packager.requirements.substitutes import KEPT_AS_STAND_IN, Replacement, find_replacements
from packager.support.redaction import LOGIN_HINT, has_login

"""Why something is left out that the user does not want."""


@dataclass(frozen=True)
class Overrides:
    """The user's word, which goes before every rule's."""

    extra: tuple[str, ...] = ()
    """PEP 508 lines, or paths of wheels, that the bundle needs besides."""
    keep: tuple[str, ...] = ()
    """Globs of packages that no rule may drop; MLflow is kept as mlflow-skinny."""
    drop: tuple[str, ...] = ()
    """Globs of packages that stay out, whoever requires them; of lines that have no package's name,
    the line's last word."""


def apply_overrides(overrides: Overrides, requirements: Requirements) -> Requirements:
    """Return the requirements as the user wants them.

    What is asked for in a version, or as a wheel, comes in the place of what the model says of it.

    :raises ConfigError: an extra requirement is neither a PEP 508 line nor a wheel.
    :raises DependencyError: the model asks for what cannot be installed as it says, and the user
        says nothing of it; tells what to say.
    """
    extra = [_as_line(text) for text in overrides.extra]
    kept_globs = tuple(map(_normalised, overrides.keep))
    asked = frozenset(map(_name, extra))
    instead = {_name(line): line for line in extra if _says_which(line)}
    drop = tuple(map(_normalised, overrides.drop))
    unreadable = [
        item
        for item in requirements.unreadable
        if canonicalize_name(item.name) not in instead
        and not _matches(_normalised(item.name), drop)
    ]
    if unreadable:
        raise _unreadable(unreadable)
    kept, dropped = [], []
    for item in requirements.dropped:
        if _matches(_name(item.requirement), kept_globs):
            kept.append(item.requirement)
        else:
            is_decided = _name(item.requirement) in instead or _matches(
                _name(item.requirement), drop
            )
            dropped.append(replace(item, is_guess=item.is_guess and not is_decided))
    replaced = (*requirements.replaced, *_stand_ins(kept))
    kept = [*requirements.kept, *kept]
    for line in kept:
        if _name(line) in instead:
            dropped.append(Drop(line, f"--with {instead[_name(line)]} instead"))
        elif _matches(_name(line), drop):
            dropped.append(Drop(line, UNWANTED))
    gone = {item.requirement for item in dropped}
    excluded = [
        item
        for item in requirements.excluded
        if not _is_wanted_itself(item.requirement, asked, kept_globs)
    ]
    # What is asked for and dropped at once comes as it is asked for; a path is no package's name.
    no_packages = {_normalised(item.name) for item in requirements.unreadable} - {
        canonicalize_name(item.name) for item in requirements.unreadable if _is_name(item.name)
    }
    excluded += [
        Drop(glob, UNWANTED)
        for glob in drop
        if glob not in no_packages and not any(fnmatch(name, glob) for name in asked)
    ]
    return replace(
        requirements,
        kept=(*(line for line in kept if line not in gone), *extra),
        dropped=tuple(dropped),
        excluded=tuple(excluded),
        replaced=tuple(
            item
            for item in replaced
            if not _is_wanted_itself(_name(item.requirement), asked, kept_globs)
        ),
        added=tuple(
            item for item in requirements.added if not _matches(_name(item.requirement), drop)
        ),
        constraints=tuple(line for line in requirements.constraints if _name(line) not in instead),
        reread=tuple(item for item in requirements.reread if item.replacement not in gone),
        ignored=(
            *requirements.ignored,
            *(IgnoredLine(item.line, UNWANTED) for item in requirements.unreadable),
        ),
        unreadable=(),
    )


def _says_which(line: str) -> bool:
    requirement = Requirement(line)
    return bool(requirement.specifier or requirement.url)


def _unreadable(items: Sequence[UnreadableLine]) -> DependencyError:
    lines = "".join(f"\n  {item.line}: {item.reason}" for item in items)
    out = " ".join(f"--drop {shlex.quote(item.name)}" for item in items)
    instead = " ".join(
        f"--with {canonicalize_name(item.name)}==VERSION" for item in items if _is_name(item.name)
    )
    hint = f"`{out}` builds without what no prediction needs."
    if instead:
        hint += f" `{out} {instead}` takes it from an index; a wheel's path behind --with does too."
    return DependencyError(
        f"the model's requirements ask for what cannot be installed as they say:{lines}", hint=hint
    )


def _is_name(text: str) -> bool:
    return is_normalized_name(canonicalize_name(text))


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
    if extra.endswith(".py") or Path(extra).is_dir():
        raise ConfigError(
            f"--with {extra} is {'a folder' if Path(extra).is_dir() else 'a file'} of code, not a"
            " requirement",
            hint=f"--code-path {shlex.quote(extra)} brings modules of your own along.",
        )
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
