"""Lay a lock's wheels out in the staging dir, as the target will find them."""

import re
from pathlib import Path

from packager.resolve import Lock
from packager.targets import Target
from packager.uv import run_uv


def install_lock(lock: Lock, target: Target, staging: Path) -> None:
    """Install every wheel of the lock into `staging`, checked against its hash.

    :raises ToolFailed: a download failed or a hash differs.
    """
    # uv holds the lock's requires-python against this machine's Python, not the target's.
    text = re.sub(r"^requires-python = .*\n", "", lock.text, flags=re.MULTILINE)
    lock_file = staging.with_name(f"pylock.{staging.name}.toml")
    lock_file.write_text(text, encoding="utf-8")
    args = ["pip", "install", "--target", str(staging), "--no-deps", "--require-hashes"]
    args += ["--python-version", target.runtime.python, "--python-platform", target.uv_platform]
    # Copies, not links: trimming must not reach into uv's cache.
    args += ["--only-binary", ":all:", "--link-mode", "copy", "--no-compile-bytecode"]
    args += ["--no-installer-metadata", "--preview-features", "pylock"]
    try:
        run_uv([*args, "-r", str(lock_file)])
    finally:
        lock_file.unlink()
