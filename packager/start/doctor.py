"""What this machine has of the tools that Packager and its users need, and how to get the rest."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from packager.aws.account import AwsSettings, read_aws_settings
from packager.aws.runtimes import RUNTIMES
from packager.errors import PackagerError, ToolError, ToolMissing
from packager.local.rie import rie_path
from packager.progress import SILENT, Progress
from packager.storage.client import CREDENTIALS_HINT, NO_REGION_HINT
from packager.support.cache import CACHE_VARIABLE, cache_root
from packager.support.redaction import without_login
from packager.support.uv import find_python, run_uv

Status = Literal["ok", "missing", "problem"]
"""`problem`: it is there, and does not work."""

_TIMEOUT_S = 30
_DOCKER_NEED = "sam local invoke, sam local start-api, and container images"
_ENGINE_HINT = (
    "Start it: Docker Desktop, or `sudo systemctl start docker`; where it runs already, your user"
    " has to be in the group docker, or DOCKER_HOST has to name its address."
)
_UV_HINT = "Install it into Packager's environment: pip install uv."


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for."""

    name: str
    status: Status
    detail: str
    """Its version and place, or what is wrong."""
    needed_for: str
    hint: str | None = None
    """What to do; None: nothing."""
    is_required: bool = False
    """`packager build` does not work without."""


@dataclass(frozen=True)
class Examination:
    """All that was looked for, in the order in which it is shown."""

    findings: tuple[Finding, ...]

    @property
    def lacking(self) -> tuple[Finding, ...]:
        """What keeps `packager build` from working."""
        return tuple(item for item in self.findings if item.is_required and item.status != "ok")

    @property
    def is_ok(self) -> bool:
        """Whether all that `packager build` requires is here."""
        return not self.lacking

    def to_dict(self) -> dict[str, Any]:
        """Return the findings as data for `--json`."""
        return {"is_ok": self.is_ok, "findings": [asdict(item) for item in self.findings]}


def examine(*, progress: Progress = SILENT) -> Examination:
    """Look for everything; change nothing, download nothing, and ask no service of AWS's."""
    return Examination(tuple(_findings(progress)))


def _findings(progress: Progress) -> Iterator[Finding]:
    progress.step("Looking for uv and Lambda's Pythons")
    yield (uv := _uv())
    yield _cache()
    for runtime in RUNTIMES:
        yield _python(runtime.python, has_uv=uv.status == "ok")
    yield _emulator()
    progress.step("Asking docker and sam")
    yield (
        client := _program(
            "docker", _DOCKER_NEED, "Install Docker: https://docs.docker.com/get-docker/."
        )
    )
    yield _engine(has_client=client.status == "ok")
    yield _program(
        "sam",
        "sam local, sam build and sam deploy with a bundle's template.yaml",
        "Install the AWS SAM CLI: pip install aws-sam-cli, in an environment of its own.",
    )
    progress.step("Reading AWS's settings")
    yield from _aws()


def _uv() -> Finding:
    need = "packager build: finds, downloads and installs what the model requires"
    try:
        version = run_uv(["--version"]).strip()
    except ToolMissing:
        return Finding("uv", "missing", "there is no module uv", need, _UV_HINT, is_required=True)
    except (ToolError, OSError) as error:  # UvNotFound is an OSError: a package without its program
        return Finding("uv", "problem", str(error), need, _UV_HINT, is_required=True)
    return Finding("uv", "ok", version, need, is_required=True)


def _cache() -> Finding:
    need = "packager build: what is made once and used again"
    folder = cache_root()
    nearest = next(path for path in (folder, *folder.parents) if os.access(path, os.F_OK))
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Finding("cache", "ok", str(folder), need, is_required=True)
    hint = f"Set {CACHE_VARIABLE} to a folder that can be written and has room."
    detail = f"{nearest} is no folder that can be written"
    return Finding("cache", "problem", detail, need, hint, is_required=True)


def _python(version: str, *, has_uv: bool) -> Finding:
    name = f"Python {version}"
    need = f"checking and running bundles for python{version}, and their quicker cold starts"
    if not has_uv:
        return Finding(name, "problem", "only uv could find it", need, _UV_HINT)
    found = find_python(version)
    if found is None:
        return Finding(
            name, "missing", "uv finds none", need, f"`uv python install {version}` gets it."
        )
    return Finding(name, "ok", str(found), need)


def _emulator() -> Finding:
    name, need = "Lambda emulator", "packager invoke, and packager check's predictions"
    try:
        path = rie_path()
    except ToolMissing as error:
        return Finding(name, "missing", str(error), need, error.hint)
    except PackagerError as error:
        return Finding(name, "problem", str(error), need, error.hint or "Correct the variable.")
    if path.is_file():
        return Finding(name, "ok", str(path), need)
    hint = "Nothing, with a network: the first `packager invoke` or check downloads it."
    return Finding(name, "missing", "not in the cache yet", need, hint)


def _program(name: str, need: str, hint: str) -> Finding:
    path = shutil.which(name)
    if path is None:
        return Finding(name, "missing", "not on the PATH", need, hint)
    is_ok, said = _run([path, "--version"])
    if is_ok:
        return Finding(name, "ok", f"{said} ({path})", need)
    return Finding(name, "problem", f"{path} --version: {said}", need, hint)


def _engine(*, has_client: bool) -> Finding:
    name = "docker engine"
    path = shutil.which("docker")
    if path is None or not has_client:
        return Finding(
            name, "missing", "only the docker client could reach it", _DOCKER_NEED, _ENGINE_HINT
        )
    is_ok, said = _run([path, "version", "--format", "{{.Server.Version}}"])
    if is_ok and said:
        return Finding(name, "ok", f"version {said}", _DOCKER_NEED)
    return Finding(
        name, "problem", said or "it does not tell its version", _DOCKER_NEED, _ENGINE_HINT
    )


def _run(argv: list[str]) -> tuple[bool, str]:
    """Return whether a program ended well, and the line that says most of what it said."""
    try:
        done = subprocess.run(
            argv,
            env=_quiet(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return False, f"no answer in {_TIMEOUT_S} s"
    except OSError as error:
        return False, str(error.strerror or error)
    if done.returncode == 0:
        return True, _line(done.stdout)
    return False, _line(done.stderr, is_last=True) or f"it ended with status {done.returncode}"


def _quiet(environment: Mapping[str, str]) -> dict[str, str]:
    # Nobody is told that somebody looked.
    return {**environment, "SAM_CLI_TELEMETRY": "0"}


def _line(text: str, *, is_last: bool = False) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # DOCKER_HOST may have a password in it, and docker repeats it.
    return without_login(lines[-1 if is_last else 0]) if lines else ""


def _aws() -> Iterator[Finding]:
    from botocore.exceptions import BotoCoreError  # heavy, as boto3

    need = "packager publish, deploy, status, logs, rollback, destroy, models in S3, sam deploy"
    try:
        settings = read_aws_settings()
    except BotoCoreError as error:
        yield Finding("AWS credentials", "problem", str(error), need, CREDENTIALS_HINT)
        yield Finding(
            "AWS region", "problem", "AWS's settings cannot be read", need, NO_REGION_HINT
        )
        return
    yield _credentials(settings, need)
    yield _region(settings, need)


def _credentials(settings: AwsSettings, need: str) -> Finding:
    name = "AWS credentials"
    if settings.provider is None:
        detail = "none found; the role of an EC2 instance was not asked for"
        return Finding(name, "missing", detail, need, CREDENTIALS_HINT)
    detail = f"provider {settings.provider}, profile {settings.profile}"
    if not settings.is_read:
        detail += "; set up, but not asked for the keys"
    return Finding(name, "ok", f"{detail}; AWS was not asked whether they are valid", need)


def _region(settings: AwsSettings, need: str) -> Finding:
    name = "AWS region"
    if settings.region:
        return Finding(name, "ok", settings.region, need)
    # What the AWS CLI and Lambda go by, and boto3 does not read.
    other = os.environ.get("AWS_REGION")
    if other:
        detail = f"AWS_REGION is {other}, but boto3 reads AWS_DEFAULT_REGION only"
        return Finding(name, "problem", detail, need, NO_REGION_HINT)
    return Finding(name, "missing", "none is set", need, NO_REGION_HINT)
