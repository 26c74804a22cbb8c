"""Files for a user's own repository: a SAM project, and workflows for CI."""

import importlib.metadata
import json
import posixpath
import re
from dataclasses import asdict, dataclass

from packager.aws.runtimes import Target
from packager.bundle.keys import check_bucket
from packager.bundle.template import render_source_template
from packager.deploying.stack import check_name
from packager.errors import DISTRIBUTION, ConfigError
from packager.sources.model_uri import SCHEME
from packager.support.rendering import render

MODEL_FILE = "model.uri"
"""Holds one line, the model's URI: a change of the model is a change of that line."""
CI_FILES = {"github": ".github/workflows/packager.yml", "gitlab": ".gitlab-ci.yml"}
_RUNNERS = {"x86_64": "ubuntu-24.04", "arm64": "ubuntu-24.04-arm"}
_LIMITS = "--max-unzipped-mb 200 --max-init-ms 3000 --max-p50-ms 20"
_VALIDATE = "uvx --from aws-sam-cli==1.170.0 sam validate --lint --template dist/template.yaml"
# Of ARNs and regions what keeps YAML and shells whole.
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_ROLE = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[A-Za-z0-9+=,.@_/-]+")
# By name alone an index may give another project's code to a job that deploys.
_PACKAGER_URL = re.compile(
    r"git\+(?:https|ssh)://[\w./:@~+-]+@[0-9a-f]{40}"
    r"|(?:https|file)://[\w./:@~+%-]+#sha256=[0-9a-f]{64}"
)
_PINNED = "git+https://HOST/PATH@COMMIT, or that of a wheel, ending in #sha256=DIGEST"


@dataclass(frozen=True)
class Settings:
    """What a workflow is told; None is left to variables of the repository."""

    bucket: str | None = None
    region: str | None = None
    role_arn: str | None = None
    packager_url: str | None = None
    """Of packager's code by commit, or of its wheel by digest: what jobs install."""

    def __post_init__(self) -> None:
        if self.bucket is not None:
            check_bucket(self.bucket)
        for value, pattern, what in (
            (self.region, _REGION, "region, as eu-central-1"),
            (self.role_arn, _ROLE, "ARN of a role, as arn:aws:iam::123456789012:role/deploy"),
            (self.packager_url, _PACKAGER_URL, f"pinned URL of packager: {_PINNED}"),
        ):
            if value is not None and not pattern.fullmatch(value):
                raise ConfigError(f"{value!r} is no {what}")


def model_file(uri: str) -> dict[str, str]:
    """Return the file that names the model, by its path.

    :raises ConfigError: the URI has more than one line.
    """
    if not uri.strip() or len(uri.splitlines()) != 1:
        raise ConfigError("the model's URI must be one line")
    return {MODEL_FILE: f"{uri}\n"}


def sam_project(target: Target) -> dict[str, str]:
    """Return the files with which `sam build` builds the model of `model.uri`, by their paths."""
    runtime, architecture = target.runtime.name, target.architecture
    makefile = render(
        "packager.start",
        "Makefile.j2",
        model_file=MODEL_FILE,
        runtime=runtime,
        architecture=architecture,
    )
    template = render_source_template(runtime, architecture, code_uri="function/")
    return {"template.yaml": template, "function/Makefile": makefile}


def installed_from() -> str | None:
    """Return the pinned URL from which this packager was installed (PEP 610).

    :returns: None for an index, a folder or a file: CI would get other code, or none.
    """
    text = importlib.metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    origin = json.loads(text or "{}")
    place = origin.get("url", "")
    if place.startswith("file:") or "subdirectory" in origin:
        return None
    if version := origin.get("vcs_info"):
        pinned = f"{version.get('vcs')}+{place}@{version.get('commit_id')}"
    else:
        digest = origin.get("archive_info", {}).get("hashes", {}).get("sha256")
        pinned = f"{place}#sha256={digest}"
    return pinned if _PACKAGER_URL.fullmatch(pinned) else None


def workflow(
    ci: str, target: Target, stack: str, model_uri: str, settings: Settings
) -> dict[str, str]:
    """Return the workflow that builds, checks, compares and deploys, by its path.

    :param ci: `github` or `gitlab`.
    :raises ConfigError: CloudFormation takes no such name for a stack, or the model is a path
        outside the repository.
    """
    check_name(stack)
    build = f'packager build "$(cat {MODEL_FILE})" --output dist'
    build += f" --runtime {target.runtime.name} --architecture {target.architecture}"
    text = render(
        "packager.start",
        f"{ci}.yml.j2",
        model_file=MODEL_FILE,
        stack=stack,
        **asdict(settings),
        distribution=DISTRIBUTION,
        variables=variables(ci, settings),
        paths=_paths(ci, model_uri),
        python_version=target.runtime.name.removeprefix("python"),
        runner=_RUNNERS[target.architecture],
        build=build,
        build_before=f"{build} --no-check",
        check=f"packager check dist {_LIMITS}",
        validate=_VALIDATE,
    )
    return {CI_FILES[ci]: text}


def _paths(ci: str, model_uri: str) -> list[str]:
    """Return the patterns of files whose change is a change of the model, or of the workflow."""
    paths = [MODEL_FILE, CI_FILES[ci]]
    if SCHEME.match(model_uri):
        return paths
    path = posixpath.normpath(model_uri)
    if path.startswith(("/", "~", "..")):
        raise ConfigError(
            f"CI cannot reach {model_uri}",
            hint="Name a model of the repository by its path from the top folder, or by a URI.",
        )
    below = {"github": "**", "gitlab": "**/*"}[ci]
    return [*paths, below] if path == "." else [*paths, path, f"{path}/{below}"]


def variables(ci: str, settings: Settings) -> list[str]:
    """Return the names of the variables that the user has to set, besides MLFLOW_TRACKING_URI."""
    role = {"github": "AWS_ROLE_ARN", "gitlab": "DEPLOY_ROLE_ARN"}[ci]
    given: dict[str, str | None] = {
        role: settings.role_arn,
        "AWS_REGION": settings.region,
        "MODEL_BUCKET": settings.bucket,
        "PACKAGER_URL": settings.packager_url,
    }
    return [name for name, value in given.items() if value is None]
