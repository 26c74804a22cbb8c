"""The options of `packager build` that decide which packages the bundle gets."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from packager.lock.obtain import LockPolicy
    from packager.lock.pylock import Lock
    from packager.requirements.overrides import Overrides
    from packager.support.uv import Indexes

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_OPTIONS = (
    click.option(
        "--with",
        "extra",
        multiple=True,
        metavar="REQUIREMENT",
        help="A requirement, or a wheel's path, that the bundle needs besides; repeatable.",
    ),
    click.option(
        "--keep",
        multiple=True,
        metavar="GLOB",
        help="Packages that no rule may leave out; repeatable.",
    ),
    click.option(
        "--drop",
        multiple=True,
        metavar="GLOB",
        help="Packages to leave out, whoever requires them; repeatable.",
    ),
    click.option(
        "--constraints",
        type=_FILE,
        multiple=True,
        help="File of lines as `numpy<2.3` that narrow versions; repeatable.",
    ),
    click.option("--index-url", metavar="URL", help="Package index in the default one's place."),
    click.option(
        "--extra-index-url",
        multiple=True,
        metavar="URL",
        help="Package index to ask first; repeatable.",
    ),
    click.option(
        "--find-links",
        multiple=True,
        metavar="PLACE",
        help="Folder or page with wheels; repeatable.",
    ),
    click.option("--no-index", is_flag=True, help="Only the wheels of --find-links."),
    click.option(
        "--lock",
        type=_FILE,
        help="Earlier pylock.toml to keep to.  [default: the one in --output]",
    ),
    click.option(
        "--locked", is_flag=True, help="Fail if the lock no longer answers the requirements."
    ),
    click.option(
        "--upgrade", is_flag=True, help="Take the newest versions, whatever the lock says."
    ),
)


@dataclass(frozen=True)
class Resolution:
    """What the user said with these options."""

    extra: tuple[str, ...]
    keep: tuple[str, ...]
    drop: tuple[str, ...]
    constraint_files: tuple[Path, ...]
    index_url: str | None
    extra_index_urls: tuple[str, ...]
    find_links: tuple[str, ...]
    is_offline: bool
    lock: Path | None
    is_locked: bool
    is_upgrade: bool

    @property
    def overrides(self) -> Overrides:
        """For the requirements."""
        from packager.requirements.overrides import Overrides

        return Overrides(self.extra, self.keep, self.drop)

    @property
    def indexes(self) -> Indexes:
        """For uv."""
        from packager.support.uv import Indexes

        return Indexes(self.index_url, self.extra_index_urls, self.find_links, self.is_offline)

    @property
    def policy(self) -> LockPolicy:
        """For the lock."""
        from packager.lock.obtain import LockPolicy

        if self.is_locked:
            return LockPolicy.LOCKED
        return LockPolicy.UPGRADE if self.is_upgrade else LockPolicy.REUSE

    def constraints(self) -> tuple[str, ...]:
        """Return the constraints' lines.

        :raises ConfigError: a file is not UTF-8 text, or cannot be read.
        """
        from packager.errors import ConfigError
        from packager.model.environment import parse_requirement_lines

        lines: list[str] = []
        for path in self.constraint_files:
            try:
                lines += parse_requirement_lines(path.read_text(encoding="utf-8-sig"))
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"cannot read the constraints {path}: {error}") from error
        return tuple(lines)

    def earlier_lock(self, output: Path) -> Lock | None:
        """Return the lock of an earlier build.

        :raises ConfigError: there is one, and it cannot be read.
        """
        from packager.bundle.folder import LOCK_NAME
        from packager.lock.pylock import read_lock

        path = self.lock or output / LOCK_NAME
        return read_lock(path) if not self.is_upgrade and path.is_file() else None


def resolution_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options; the command gets them as one `resolution`."""

    @functools.wraps(command)
    def collected(
        *args: Any,
        extra: tuple[str, ...],
        keep: tuple[str, ...],
        drop: tuple[str, ...],
        constraints: tuple[Path, ...],
        index_url: str | None,
        extra_index_url: tuple[str, ...],
        find_links: tuple[str, ...],
        no_index: bool,
        lock: Path | None,
        locked: bool,
        upgrade: bool,
        **others: Any,
    ) -> None:
        if locked and upgrade:
            raise click.UsageError("--locked and --upgrade contradict each other")
        if upgrade and lock:
            raise click.UsageError("--upgrade ignores every lock: leave out --lock")
        if no_index and not find_links:
            raise click.UsageError("--no-index leaves only --find-links, and there is none")
        resolution = Resolution(
            *(extra, keep, drop, constraints),
            *(index_url, extra_index_url, find_links, no_index),
            *(lock, locked, upgrade),
        )
        command(*args, resolution=resolution, **others)

    for option in reversed(_OPTIONS):
        collected = option(collected)
    return collected
