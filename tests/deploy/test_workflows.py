"""The deploying job of the workflows that `packager init --ci` writes, against moto."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.aws import REGION
from tests.deploy.conftest import BUCKET, STACK, Account, Make
from tests.support.commands import packager

ROLE = "arn:aws:iam::123456789012:role/packager"


def deploying_job(ci: str, folder: Path) -> dict[str, Any]:
    options = ("--stack", STACK, "--bucket", BUCKET, "--region", REGION, "--role-arn", ROLE)
    done = packager("init", "models:/MyRandomForest/1", "--ci", ci, *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    (workflow,) = [path for path in folder.rglob("*.yml") if path.is_file()]
    document = yaml.safe_load(workflow.read_text())
    job: dict[str, Any] = document["deploy"] if ci == "gitlab" else document["jobs"]["deploy"]
    return job


def run(lines: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a job's commands where the bundle is `dist`."""
    bin_folder = Path(sys.executable).parent
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", lines],
        cwd=folder,
        env=kept | env | {"PATH": f"{bin_folder}:{os.environ['PATH']}", "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_github_deploys_with_what_the_credentials_action_sets(
    account: Account, bundle: Make, tmp_path: Path
) -> None:
    bundle("dist")
    job = deploying_job("github", tmp_path)
    (credentials,) = [s for s in job["steps"] if "configure-aws-credentials" in s.get("uses", "")]
    assert credentials["with"] == {"role-to-assume": ROLE, "aws-region": REGION}
    (deploy,) = [step for step in job["steps"] if step.get("name") == "Deploy"]

    set_by_action = {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "testing",
    }
    done = run(
        deploy["run"], tmp_path, set_by_action | job["env"] | {"AWS_ENDPOINT_URL": account.url}
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert account.aws.live(STACK) == "1"


def test_gitlab_takes_the_role_with_its_token_and_deploys(
    account: Account, bundle: Make, tmp_path: Path
) -> None:
    bundle("dist")
    job = deploying_job("gitlab", tmp_path)
    lines = "\n".join(line for line in job["script"] if not line.startswith("pip "))

    assert job["id_tokens"] == {"ID_TOKEN": {"aud": "sts.amazonaws.com"}}
    set_by_gitlab = {"ID_TOKEN": "a.b.c", "AWS_ENDPOINT_URL": account.url}
    done = run(lines, tmp_path, set_by_gitlab | job["variables"])

    (token,) = [path for path in tmp_path.iterdir() if path.name.startswith("tmp.")]
    assert (token.read_text(), token.stat().st_mode & 0o777) == ("a.b.c", 0o600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert account.aws.live(STACK) == "1"
