"""Wheels of manylinux levels that uv has no name for, as manylinux_2_24 on glibc 2.26.

uv is asked for the next level that it knows, and what does not load there on the target is taken
as the target's own level has it.
"""

import tomllib
from collections.abc import Callable

from packaging.utils import parse_wheel_filename

from packager.aws.runtimes import Target
from packager.errors import ToolFailed
from packager.lock.pylock import Lock
from packager.support.uv import Indexes, run_uv

_ROUNDS = 4
_PACKAGE = "[[packages]]\n"


def resolve_between_levels(
    resolve: Callable[[Target, tuple[str, ...]], Lock], target: Target, indexes: Indexes
) -> Lock | None:
    """Return the lock whose wheels all load on the target; None: there is none either.

    :param resolve: for a target and more constraints. Raises `ToolFailed`.
    """
    wide = target.at_next_level
    if wide is None:
        return None
    limits: tuple[str, ...] = ()
    for _ in range(_ROUNDS):
        try:
            lock = resolve(wide, limits)
        except ToolFailed:
            return None
        entries, found = lock.text.split(_PACKAGE), []
        for index, entry in enumerate(entries[1:], start=1):
            if _loads(entry, target):
                continue
            (package,) = tomllib.loads(_PACKAGE + entry)["packages"]
            same = _ask(f"{package['name']}=={package['version']}", target, indexes)
            if same:
                entries[index] = _entry(same)
                continue
            older = _ask(f"{package['name']}<{package['version']}", target, indexes)
            if not older:
                return None
            found.append(f"{package['name']}<={Lock.from_pylock(older).packages[0].version}")
        if not found:
            return Lock.from_pylock(_PACKAGE.join(entries))
        limits = (*limits, *found)
    return None


def _loads(entry: str, target: Target) -> bool:
    (package,) = tomllib.loads(_PACKAGE + entry)["packages"]
    names = [
        wheel.get("name") or wheel.get("url", wheel.get("path", "")).rsplit("/", 1)[-1]
        for wheel in package.get("wheels", [])
    ]
    # A wheel of one's own, by URL or path, is for the check of the finished bundle.
    return not names or any(parse_wheel_filename(name)[3] & target.wheel_tags for name in names)


def _ask(line: str, target: Target, indexes: Indexes) -> str | None:
    args = ["pip", "compile", "-", *target.uv_args, "--no-deps", "--format", "pylock.toml"]
    try:
        text = run_uv([*args, "--no-header", "--no-annotate", *indexes.args], stdin=line)
    except ToolFailed:
        return None
    return text if _PACKAGE in text else None


def _entry(lock_text: str) -> str:
    # What follows the last package's entry is a blank line in the lock that it goes into.
    return lock_text.partition(_PACKAGE)[2].rstrip("\n") + "\n\n"
