"""Obtain a bundle's lock: the earlier one, one out of the cache, or a new one."""

import contextlib
import os
import re
import time
from enum import Enum
from pathlib import Path

from packager.errors import ConfigError, LockDrift
from packager.lock.logged_day import versions_of_the_day
from packager.lock.pylock import Lock
from packager.lock.resolve import Question, Resolver
from packager.progress import LOGGED, Progress
from packager.support.atomic import write_whole
from packager.support.cache import cache_key, cache_root
from packager.version import __version__

_CACHE_LIFE_S = 24 * 3600
"""How long an answer is taken from the cache: new releases are seen a day later, or at once
with `--upgrade`."""
_FIND_LINKS = re.compile(r"find[-_]links", re.IGNORECASE)


class LockPolicy(Enum):
    """What an earlier lock is worth."""

    REUSE = "reuse"
    """Taken as it is while the question stays; else its versions are kept where they fit."""
    LOCKED = "locked"
    """Taken as it is, or the build fails."""
    UPGRADE = "upgrade"
    """Ignored, and so is the cache."""


def obtain_lock(
    question: Question,
    resolver: Resolver,
    *,
    earlier: Lock | None = None,
    policy: LockPolicy = LockPolicy.REUSE,
    progress: Progress = LOGGED,
) -> Lock:
    """Return the lock that answers the question.

    :raises LockDrift: the policy is LOCKED and the earlier lock answers another question.
    :raises ConfigError: the policy is LOCKED and there is no earlier lock.
    :raises DependencyError: the requirements cannot be met on the target.
    """

    def resolve(preferences: str) -> Lock:
        pins = preferences or versions_of_the_day(
            question.requirements,
            (*question.constraints, *question.least),
            question.target.uv_args,
            question.indexes,
            question.there,
            progress,
        )
        return resolver.resolve(question, preferences=pins)

    if policy is LockPolicy.UPGRADE:
        return _remember(_cached_path(question, None), resolve(""))
    if earlier is not None and earlier.inputs == question.inputs:
        progress.detail("as the lock says")
        return earlier
    if policy is LockPolicy.LOCKED:
        raise _drift(question, earlier)
    path = _cached_path(question, earlier)
    cached = _recall(path)
    if cached is not None:
        progress.detail("as resolved before, on this machine and today; --upgrade asks again")
        return cached
    return _remember(path, resolve(earlier.pins if earlier else ""))


def _drift(question: Question, earlier: Lock | None) -> Exception:
    if earlier is None:
        return ConfigError(
            "--locked without a lock", hint="Name one with --lock, or build once without --locked."
        )
    if earlier.inputs is None:
        return LockDrift(["the lock does not say what it was made for: packager did not write it"])
    return LockDrift(earlier.inputs.differences(question.inputs))


def _cached_path(question: Question, earlier: Lock | None) -> Path | None:
    """Return where the answer to the question is kept; None: it is asked anew each time."""
    settings = _uv_settings()
    # A folder of wheels of one's own changes by the minute, and is quickly read.
    if question.indexes.find_links or any(map(_FIND_LINKS.search, settings)):
        return None
    identity = [
        __version__,
        repr(question.inputs),
        repr(question.indexes),
        question.runtime_packages,
        repr(question.there),
        question.least,
        question.preferences,
        earlier.pins if earlier else "",
        settings,
    ]
    return cache_root() / "locks" / f"{cache_key(identity)}.toml"


def _uv_settings() -> list[str]:
    """Return all that decides besides the question what uv answers: indexes above all."""
    settings = [f"{key}={value}" for key, value in os.environ.items() if key.startswith("UV_")]
    # https://docs.astral.sh/uv/concepts/configuration-files/
    places = [Path(os.environ["UV_CONFIG_FILE"])] if "UV_CONFIG_FILE" in os.environ else []
    for folder in (Path.cwd(), *Path.cwd().parents):
        places += [folder / "uv.toml", folder / "pyproject.toml"]
    user = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    places += [user / "uv" / "uv.toml", Path("/etc/uv/uv.toml")]
    for place in places:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            settings.append(place.read_text(encoding="utf-8"))
    return sorted(settings)


def _recall(path: Path | None) -> Lock | None:
    if path is None:
        return None
    try:
        if time.time() - path.stat().st_mtime > _CACHE_LIFE_S:
            return None
        return Lock.from_pylock(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _remember(path: Path | None, lock: Lock) -> Lock:
    if path is None:
        return lock
    # A cache that cannot be written costs time, no more.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lock.text.encode())
    return lock
