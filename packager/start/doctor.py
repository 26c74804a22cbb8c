"""What this machine has of the tools that Packager and its users need, and how to get the rest."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from packager.aws.account import AwsSettings, read_aws_settings
from packager.aws.runtimes import RUNTIMES
from packager.errors import PackagerError, ToolError, ToolMissing
from packager.local.rie import rie_path
from packager.progress import LOGGED, Progress
from packager.storage.client import CREDENTIALS_HINT, NO_REGION_HINT
from packager.support.cache import CACHE_VARIABLE, cache_root
from packager.support.interpreters import find_python
from packager.support.redaction import without_login
from packager.support.uv import run_uv

Status = Literal["ok", "missing", "problem"]
"""`problem`: it is there, and does not work."""

_TIMEOUT_S = 30
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


def examine(*, progress: Progress = LOGGED) -> Examination:
    """Look for everything; change nothing, download nothing, and ask no service of AWS's."""
    return Examination(tuple(_findings(progress)))


def _findings(progress: Progress) -> Iterator[Finding]:
    progress.step("Looking for uv and Lambda's Pythons")
    need = "packager build: finds, downloads and installs what the model requires"
    yield (uv := _finding("uv", need, _uv(), is_required=True))
    need = "packager build: what is made once and used again"
    yield _finding("cache", need, _cache(), is_required=True)
    for version in (runtime.python for runtime in RUNTIMES):
        need = f"checking and running bundles for python{version}, and their quicker cold starts"
        yield _finding(f"Python {version}", need, _python(version, has_uv=uv.status == "ok"))
    need = "packager invoke, and packager check's predictions"
    yield _finding("Lambda emulator", need, _emulator())
    progress.step("Asking docker and sam")
    need = "sam local invoke, sam local start-api, and container images"
    hint = "Install Docker: https://docs.docker.com/get-docker/."
    yield (client := _finding("docker", need, _program("docker", hint)))
    yield _finding("docker engine", need, _engine(has_client=client.status == "ok"))
    need = "sam local, sam build and sam deploy with a bundle's template.yaml"
    hint = "Install the AWS SAM CLI: pip install aws-sam-cli, in an environment of its own."
    yield _finding("sam", need, _program("sam", hint))
    progress.step("Reading AWS's settings")
    need = "packager publish, deploy, status, logs, rollback, destroy, models in S3, sam deploy"
    credentials, region = _aws()
    yield _finding("AWS credentials", need, credentials)
    yield _finding("AWS region", need, region)


_Seen: TypeAlias = tuple[Status, str, str | None]
"""Of a `Finding` its status, detail and hint."""


def _finding(name: str, need: str, seen: _Seen, *, is_required: bool = False) -> Finding:
    status, detail, hint = seen
    return Finding(name, status, detail, need, hint, is_required)


def _uv() -> _Seen:
    try:
        return "ok", run_uv(["--version"]).strip(), None
    except ToolMissing:
        return "missing", "there is no module uv", _UV_HINT
    except (ToolError, OSError) as error:  # UvNotFound is an OSError: a package without its program
        return "problem", str(error), _UV_HINT


def _cache() -> _Seen:
    folder = cache_root()
    nearest = next(path for path in (folder, *folder.parents) if os.access(path, os.F_OK))
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return "ok", str(folder), None
    hint = f"Set {CACHE_VARIABLE} to a folder that can be written and has room."
    return "problem", f"{nearest} is no folder that can be written", hint


def _python(version: str, *, has_uv: bool) -> _Seen:
    if not has_uv:
        return "problem", "only uv could find it", _UV_HINT
    found = find_python(version)
    if found is None:
        return (
            "missing",
            "none on the PATH, of uv, pyenv or conda",
            f"`uv python install {version}` gets it.",
        )
    return "ok", str(found), None


def _emulator() -> _Seen:
    try:
        path = rie_path()
    except ToolMissing as error:
        return "missing", str(error), error.hint
    except PackagerError as error:
        return "problem", str(error), error.hint or "Correct the variable."
    if path.is_file():
        return "ok", str(path), None
    hint = "Nothing, with a network: the first `packager invoke` or check downloads it."
    return "missing", "not in the cache yet", hint


def _program(name: str, hint: str) -> _Seen:
    path = shutil.which(name)
    if path is None:
        return "missing", "not on the PATH", hint
    is_ok, said = _run([path, "--version"])
    if is_ok:
        return "ok", f"{said} ({path})", None
    return "problem", f"{path} --version: {said}", hint


def _engine(*, has_client: bool) -> _Seen:
    path = shutil.which("docker")
    if path is None or not has_client:
        return "missing", "only the docker client could reach it", _ENGINE_HINT
    is_ok, said = _run([path, "version", "--format", "{{.Server.Version}}"])
    if is_ok and said:
        return "ok", f"version {said}", None
    return "problem", said or "it does not tell its version", _ENGINE_HINT


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


def _aws() -> tuple[_Seen, _Seen]:
    """Return what was seen of the credentials and of the region."""
    from botocore.exceptions import BotoCoreError  # heavy, as boto3

    try:
        settings = read_aws_settings()
    except BotoCoreError as error:
        return (
            ("problem", str(error), CREDENTIALS_HINT),
            ("problem", "AWS's settings cannot be read", NO_REGION_HINT),
        )
    return _credentials(settings), _region(settings)


def _credentials(settings: AwsSettings) -> _Seen:
    if settings.provider is None:
        detail = "none found; the role of an EC2 instance was not asked for"
        return "missing", detail, CREDENTIALS_HINT
    detail = f"provider {settings.provider}, profile {settings.profile}"
    if not settings.is_read:
        detail += "; set up, but not asked for the keys"
    return "ok", f"{detail}; AWS was not asked whether they are valid", None


def _region(settings: AwsSettings) -> _Seen:
    if settings.region:
        return "ok", settings.region, None
    # What the AWS CLI and Lambda go by, and boto3 does not read.
    other = os.environ.get("AWS_REGION")
    if other:
        detail = f"AWS_REGION is {other}, but boto3 reads AWS_DEFAULT_REGION only"
        return "problem", detail, NO_REGION_HINT
    return "missing", "none is set", NO_REGION_HINT
