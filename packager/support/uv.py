"""Run uv, the tool that resolves, downloads and installs."""

import logging
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packager.errors import ToolFailed, ToolMissing
from packager.support.redaction import without_login

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Indexes:
    """Where packages come from, besides what uv's own configuration says."""

    index_url: str | None = None
    """Takes the place of the default index."""
    extra_index_urls: tuple[str, ...] = ()
    """Asked first, in this order."""
    find_links: tuple[str, ...] = ()
    """Folders or pages with wheels."""
    is_offline: bool = False
    """Nothing but `find_links`."""
    torch_backend: str | None = None
    """Of those that PyTorch's own index has builds of torch for, as `cpu`; None: torch is taken
    from where all else comes from."""

    @property
    def has_places(self) -> bool:
        """Whether they name any place at all."""
        return bool(self.index_url or self.extra_index_urls or self.find_links)

    @property
    def args(self) -> list[str]:
        """Uv's options that say so."""
        args = ["--default-index", self.index_url] if self.index_url else []
        for url in self.extra_index_urls:
            args += ["--index", url]
        for place in self.find_links:
            args += ["--find-links", place]
        if self.torch_backend:
            args += ["--torch-backend", self.torch_backend]
        return [*args, "--no-index"] if self.is_offline else args


def run_uv(args: Sequence[str], *, stdin: str | None = None, cwd: Path | None = None) -> str:
    """Run uv and return what it printed on stdout.

    :param stdin: text handed to the program.
    :raises ToolMissing: uv is not installed.
    :raises ToolFailed: uv ended with an error; `str()` of it shows uv's last lines.
    """
    # Without the last option uv looks for interpreters to download: minutes where it cannot.
    argv = [_uv_binary(), "--no-progress", "--color", "never", "--no-python-downloads", *args]
    logger.debug("running %s", list(map(without_login, argv)))
    # VIRTUAL_ENV of the caller's shell must not decide what the target gets.
    env = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(
        argv, input=stdin, cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ToolFailed(["uv", *args], done.returncode, done.stderr)
    return done.stdout


def _uv_binary() -> str:
    try:
        import uv
    except ImportError as error:
        raise ToolMissing("uv", "pip install uv") from error
    return os.fsdecode(uv.find_uv_bin())
