"""Obtain AWS's Lambda runtime interface emulator, the binary behind `sam local`."""

import os
import platform
import shutil
import sys
from pathlib import Path

from packager.aws.runtimes import host_architecture
from packager.errors import ConfigError, ToolMissing
from packager.progress import LOGGED, Progress
from packager.support.cache import build_once, cache_root
from packager.support.uv import run_uv

RIE_VARIABLE = "PACKAGER_RIE"

# The wheel of AWS's SAM CLI carries the emulator; nothing else of it is used.
_CARRIER = "aws-sam-cli==1.170.0"
_CARRIER_SHA256 = "24ebaf5ecba38dc1758089968cb89ab61e124b84e92a344fc7a2771a47f4d0bf"


def rie_binary(*, progress: Progress = LOGGED) -> Path:
    """Return the emulator for this machine, downloaded at the first call.

    `$PACKAGER_RIE` names another one.

    :raises ToolMissing: this system cannot run it.
    :raises ConfigError: `$PACKAGER_RIE` names no executable, or the cache cannot be written.
    :raises ToolFailed: the download failed.
    """
    wanted = rie_path()
    if os.environ.get(RIE_VARIABLE):
        return wanted

    def build(partial: Path) -> None:
        progress.step("Getting the Lambda runtime interface emulator (once)")
        _download(wanted.name, partial)

    return build_once(wanted.parent, build, progress=progress) / wanted.name


def rie_path() -> Path:
    """Return where the emulator for this machine is, or will be when it was downloaded.

    :raises ToolMissing: this system cannot run it.
    :raises ConfigError: `$PACKAGER_RIE` names no executable.
    """
    given = os.environ.get(RIE_VARIABLE)
    if given:
        if not os.access(given, os.X_OK):
            raise ConfigError(f"{RIE_VARIABLE}={given} is no executable file")
        return Path(given).absolute()
    architecture = host_architecture()
    if sys.platform != "linux" or architecture is None:
        raise ToolMissing(
            f"the Lambda runtime interface emulator for {platform.system()}"
            f" on {platform.machine()}",
            "It exists for Linux on x86_64 and arm64 only; elsewhere use `sam local invoke`"
            " with Docker on the bundle's template.yaml.",
        )
    folder = cache_root() / "rie" / f"{_CARRIER.replace('==', '-')}-{architecture}"
    return folder / f"aws-lambda-rie-{architecture}"


def _download(name: str, folder: Path) -> None:
    carrier = folder / "carrier"
    options = ["--target", str(carrier), "--python", sys.executable, "--no-deps"]
    options += ["--only-binary", ":all:"]
    run_uv(
        ["pip", "install", *options, "--require-hashes", "--requirements", "-"],
        stdin=f"{_CARRIER} --hash=sha256:{_CARRIER_SHA256}\n",
        cwd=folder,
    )
    # A copy: uv may have linked the file into its own cache.
    shutil.copy2(carrier / "samcli" / "local" / "rapid" / name, folder / name)
    (folder / name).chmod(0o755)
    shutil.rmtree(carrier)
