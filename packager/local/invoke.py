"""Run a bundle as Lambda would: unpacked read-only, in a clean environment, model from S3."""

import os
import platform
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from handler.manifest import MODEL_PYTHON_VARIABLE, OWN_PACKAGES_FOLDER
from packager.aws.runtimes import host_architecture
from packager.bundle.folder import MODEL_ZIP, Bundle
from packager.bundle.keys import DEFAULT_PREFIX, model_key
from packager.bundle.sizing import size_function
from packager.errors import StorageError, ToolMissing, WrongMachine
from packager.local import process
from packager.local.emulator import Emulator, runtime_python
from packager.local.static_s3 import static_s3
from packager.local.storage import embedded_environment
from packager.progress import LOGGED, Progress
from packager.storage.client import CREDENTIALS_HINT, storage_errors
from packager.support.interpreters import find_python

_EMBEDDED_BUCKET = "packager-embedded"


@contextmanager
def running_function(
    bundle: Bundle,
    *,
    bucket: str | None = None,
    prefix: str = DEFAULT_PREFIX,
    memory_mib: int | None = None,
    timeout_s: int | None = None,
    progress: Progress = LOGGED,
) -> Iterator[Emulator]:
    """Yield the bundle's function, ready for its first, cold invocation.

    :param bucket: where `packager publish` put the model. None: an S3 of our own holds it
        for as long as the function runs. Of no matter when the model is embedded.
    :param memory_mib: what the function may take. None: as much as the bundle's template gives.
    :param timeout_s: for one invocation, init included. None: as the template says.
    :raises ToolMissing: this machine lacks what runs the bundle.
    :raises WrongMachine: the bundle is for another architecture.
    :raises StorageError: no AWS credentials for the bucket.
    """
    python = find_runtime(bundle, progress=progress)
    own_python = find_own_python(bundle)
    sizing = size_function(bundle.manifest.model, bundle.manifest.model_source)
    with ExitStack() as stack:
        environment = stack.enter_context(_model_source(bundle, bucket, prefix, progress))
        names = " and ".join(path.name for path in bundle.code_zips)
        progress.step(f"Unpacking {names}, read-only")
        task_root, *layers = [
            stack.enter_context(unpacked(path, own_python)) for path in bundle.code_zips
        ]
        yield stack.enter_context(
            Emulator(
                task_root,
                python=python,
                layer=layers[0] if layers else None,
                environment=environment | _own_variables(own_python),
                programs=(own_python,) if own_python else (),
                memory_mib=memory_mib or sizing.memory_mib,
                timeout_s=timeout_s or sizing.timeout_s,
                tmp_mib=sizing.ephemeral_storage_mib,
                progress=progress,
            )
        )


def find_runtime(bundle: Bundle, *, progress: Progress = LOGGED) -> Path:
    """Return a Python that can run the bundle here as its Lambda runtime would.

    :raises ToolMissing: there is no Python of the bundle's version here, or no emulator for it.
    :raises WrongMachine: the bundle is for another architecture.
    """
    wanted = bundle.manifest.target.architecture
    if host_architecture() != wanted:
        here = host_architecture() or "x86_64"
        raise WrongMachine(
            wanted,
            platform.machine(),
            hint=f"Build for this one with --architecture {here}, or use `sam local invoke` with"
            " Docker's emulation.",
        )
    find_own_python(bundle)
    version = bundle.manifest.target.runtime.removeprefix("python")
    return runtime_python(version, progress=progress)


def find_own_python(bundle: Bundle) -> Path | None:
    """Return what stands here for the Python of an image that the model alone runs in.

    :returns: None: the model runs in the function's.
    :raises ToolMissing: there is none of its version here.
    """
    wanted = bundle.manifest.model.own_python
    if wanted is None:
        return None
    found = find_python(wanted)
    if found is None:
        raise ToolMissing(
            f"Python {wanted}, in which the model runs,",
            f"`uv python install {wanted}` gets it; one on the PATH does too.",
        )
    # What it stands for has no packages of its own either.
    return found.resolve()


def _own_variables(own_python: Path | None) -> dict[str, str]:
    return {MODEL_PYTHON_VARIABLE: str(own_python)} if own_python else {}


@contextmanager
def unpacked(zip_path: Path, own_python: Path | None = None) -> Iterator[Path]:
    """Yield a temporary folder with the zip's files that nobody can write, as Lambda's are.

    :param own_python: compiles its packages, as the image's does when the image is built.
    """
    with tempfile.TemporaryDirectory(prefix="packager-task-") as name:
        process.let_nobody_in(Path(name))
        folder = Path(name) / "task"
        with zipfile.ZipFile(zip_path) as archive:
            archive.extractall(folder)
        if own_python:
            _compile_own(folder / OWN_PACKAGES_FOLDER, own_python)
        for path in folder.rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)
        folder.chmod(0o555)
        try:
            yield folder
        finally:
            # What nobody can write nobody can delete.
            for path in (folder, *folder.rglob("*/")):
                path.chmod(0o755)


def _compile_own(packages: Path, python: Path) -> None:
    argv = [str(python), "-m", "compileall", "-q", "-j", "0"]
    argv += ["--invalidation-mode", "unchecked-hash", str(packages)]
    # Its status tells of files that are no Python of today's, which old libraries ship.
    subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)


@contextmanager
def _model_source(
    bundle: Bundle, bucket: str | None, prefix: str, progress: Progress
) -> Iterator[dict[str, str]]:
    """Yield the variables by which the function finds its model."""
    archive = bundle.manifest.model_archive
    if archive is None:
        yield {}
        return
    key = model_key(prefix, archive.sha256)
    variables = {
        "MODEL_BUCKET": bucket or _EMBEDDED_BUCKET,
        "MODEL_KEY": key,
        "MODEL_SHA256": archive.sha256,
    }
    if bucket:
        progress.step(f"Taking the model from s3://{bucket}/{key}")
        yield variables | _aws_variables()
        return
    progress.step("Starting an embedded S3 with the model in it (no bucket given)")
    with static_s3({f"{_EMBEDDED_BUCKET}/{key}": bundle.folder / MODEL_ZIP}) as endpoint_url:
        yield variables | embedded_environment(endpoint_url)


def _aws_variables() -> dict[str, str]:
    """Return the user's AWS settings as Lambda hands a role's to a function.

    A profile or a login is turned into its keys: the function does not see the user's files.
    """
    import boto3  # heavy

    with storage_errors("find AWS credentials"):
        session = boto3.Session()
        found = session.get_credentials()
        if found is None:
            raise StorageError("there are no AWS credentials", hint=CREDENTIALS_HINT)
        keys = found.get_frozen_credentials()
    region = session.region_name or "us-east-1"
    variables = {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_SESSION_TOKEN": keys.token or "",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }
    endpoints = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    return variables | {name: os.environ[name] for name in endpoints if os.environ.get(name)}
