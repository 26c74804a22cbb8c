"""Wheels of manylinux levels that uv has no name for, as manylinux_2_24 on glibc 2.26.

uv is asked for the next level that it knows, and what does not load on the target is taken out of
its answer. A version of which nothing is left then is too new: uv is asked again without it.
"""

import re
import tomllib
from collections.abc import Callable

from packaging.utils import parse_wheel_filename

from packager.aws.runtimes import Target
from packager.errors import ToolFailed
from packager.lock.pylock import Lock
from packager.support.uv import Indexes, run_uv

_ROUNDS = 4
"""Each may name packages that the one before had not."""
_PACKAGE = "[[packages]]\n"
# A package's only wheel is in one line with the key, several have a line each.
_WHEEL_LINE = re.compile(r"^    \{ (?:url|path|name) = .*\n", re.MULTILINE)


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
        head, *entries = lock.text.split(_PACKAGE)
        entries = [_WHEEL_LINE.sub(lambda line: _if_loads(line[0], target), e) for e in entries]
        too_new = [entry for entry in entries if not _loads(entry, target)]
        if not too_new:
            return Lock.from_pylock(_PACKAGE.join((head, *entries)))
        older = [_older(entry, target, indexes) for entry in too_new]
        if None in older:
            return None
        limits = (*limits, *filter(None, older))
    return None


def _if_loads(line: str, target: Target) -> str:
    wheel = tomllib.loads(f"wheel = {line.strip().removesuffix(',')}")["wheel"]
    return line if _is_loadable(wheel, target) else ""


def _loads(entry: str, target: Target) -> bool:
    (package,) = tomllib.loads(_PACKAGE + entry)["packages"]
    if "wheels" not in package:
        return True  # of a URL or path: what it is the finished bundle's check sees
    return any(_is_loadable(wheel, target) for wheel in package["wheels"])


def _is_loadable(wheel: dict[str, str], target: Target) -> bool:
    name = wheel.get("name") or (wheel.get("url") or wheel["path"]).rpartition("/")[2]
    return not parse_wheel_filename(name)[3].isdisjoint(target.wheel_tags)


def _older(entry: str, target: Target, indexes: Indexes) -> str | None:
    """Return the constraint for the newest version below the entry's that the target loads."""
    (package,) = tomllib.loads(_PACKAGE + entry)["packages"]
    args = ["pip", "compile", "-", *target.uv_args, "--no-deps", "--format", "pylock.toml"]
    args += ["--no-header", "--no-annotate", *indexes.args]
    try:
        text = run_uv(args, stdin=f"{package['name']}<{package['version']}")
    except ToolFailed:
        return None
    return f"{package['name']}<={Lock.from_pylock(text).packages[0].version}"
