"""A faked account, and bundles that answer or do not."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from handler.manifest import ModelInfo
from packager.sam import render_template
from tests.bundles import make_bundle
from tests.deploy.aws import REGION, Aws, aws

BUCKET = "my-models"
STACK = "my-model"
EXAMPLE = {"dataframe_split": {"columns": ["a"], "data": [[1.0]]}}
INFO = ModelInfo("sklearn", "model.skops", "skops", input_example=EXAMPLE)


@dataclass
class Account:
    """Runs commands against the faked AWS."""

    url: str
    aws: Aws

    def reset(self) -> None:
        """Make it an account with nothing but a bucket."""
        self.aws.reset()
        reset = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        with urllib.request.urlopen(reset):
            pass
        client = boto3.client("s3", endpoint_url=self.url, region_name=REGION)
        client.create_bucket(Bucket=BUCKET)
        self.aws.calls.clear()

    def parameters(self, name: str) -> dict[str, str]:
        """Return what the stack was given last."""
        client = boto3.client("cloudformation", endpoint_url=self.url, region_name=REGION)
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        return {x["ParameterKey"]: x.get("ParameterValue", "") for x in stack["Parameters"]}

    def pending(self, name: str) -> list[str]:
        """Return the change sets that nobody executed."""
        client = boto3.client("cloudformation", endpoint_url=self.url, region_name=REGION)
        found = client.list_change_sets(StackName=name)["Summaries"]
        return [x["ChangeSetName"] for x in found if x["ExecutionStatus"] == "AVAILABLE"]

    def packager(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        env = os.environ | {"AWS_ENDPOINT_URL": self.url, "AWS_MAX_ATTEMPTS": "1"}
        with subprocess.Popen(
            [sys.executable, "-m", "packager", *map(str, args)],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            self.aws.pid = process.pid
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def deploy(self, bundle: Path, *args: str) -> subprocess.CompletedProcess[str]:
        return self.packager("deploy", bundle, "--stack", STACK, "--bucket", BUCKET, "--yes", *args)


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[str, Aws]]:
    with aws(Aws) as running:
        yield running


@pytest.fixture
def account(server: tuple[str, Aws]) -> Account:
    account = Account(*server)
    account.reset()
    return account


@pytest.fixture
def bundle(tmp_path: Path) -> Callable[..., Path]:
    """Makes bundles by name: another name, another model and zip."""

    def make(name: str, status: int = 200, ping: int | None = None) -> Path:
        folder = tmp_path / name
        answers = [{"statusCode": code, "body": name} for code in (status, ping or status)]
        code = f"def handler(event, context):\n    return {answers}['/ping' in str(event)]\n"
        files = {"handler/__init__.py": "", "handler/main.py": code}
        made = make_bundle(folder, model=name.encode(), files=files, info=INFO)
        (folder / "template.yaml").write_text(render_template(made.manifest))
        return folder

    return make
