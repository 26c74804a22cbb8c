"""Lay a lock's wheels out in the staging dir, as the target will find them."""

import re
from pathlib import Path

from packager.aws.runtimes import Target
from packager.errors import ToolFailed
from packager.lock.explain import unreachable
from packager.lock.pylock import Lock
from packager.model.wheels import with_place
from packager.packages.wheel_check import check_installed, check_local_wheels
from packager.support.uv import Indexes, run_uv


def install_lock(lock: Lock, target: Target, staging: Path, indexes: Indexes | None = None) -> None:
    """Install every wheel of the lock into `staging`, checked against its hash.

    :param indexes: of which the logins are needed; the lock names each wheel's place.
    :raises IndexUnreachable: a wheel cannot be downloaded.
    :raises ToolFailed: a hash differs, or the disk is full.
    :raises WheelInvalid: a wheel brings something else than it says.
    """
    located = with_place(lock.text)
    check_local_wheels(located)
    # uv holds the lock's requires-python against this machine's Python, not the target's.
    text = re.sub(r"^requires-python = .*\n", "", located, flags=re.MULTILINE)
    lock_file = staging.with_name(f"pylock.{staging.name}.toml")
    lock_file.write_text(text, encoding="utf-8")
    args = ["pip", "install", "--target", str(staging), "--no-deps", "--require-hashes"]
    # Copies, not links: trimming must not reach into uv's cache.
    # The lock names the wheels, of whatever level: it was made for the target.
    args += [
        *(target.at_next_level or target).uv_args,
        "--link-mode",
        "copy",
        "--no-compile-bytecode",
    ]
    args += ["--no-installer-metadata", "--preview-features", "pylock"]
    args += (indexes or Indexes()).args
    try:
        run_uv([*args, "-r", str(lock_file)])
    except ToolFailed as error:
        raise unreachable(error) or error from error
    finally:
        lock_file.unlink()
    check_installed(staging)
