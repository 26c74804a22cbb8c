"""A faked account, and bundles that answer or do not."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from handler.manifest import ModelInfo
from packager.bundle.template import render_template
from packager.local.storage import embedded_environment
from tests.deploy.aws import REGION, Aws, aws
from tests.support.bundles import make_bundle
from tests.support.forked import Forked, forked

BUCKET = "my-models"
STACK = "my-model"
_IMPORTED = (
    "packager.cli.deploy",
    "packager.deploying.story",
    "packager.deploying.removal",
    "boto3",
)
EXAMPLE = {"dataframe_split": {"columns": ["a"], "data": [[1.0]]}}
INFO = ModelInfo("sklearn", "model.skops", "skops", input_example=EXAMPLE)


Make = Callable[..., Path]
"""What the fixture `bundle` is."""


@dataclass
class Account:
    """Runs commands against the faked AWS."""

    url: str
    aws: Aws
    process: Forked | None = None
    """What runs `packager`."""

    def reset(self) -> None:
        """Make it an account with nothing but a bucket."""
        self.aws.reset()
        reset = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        with urllib.request.urlopen(reset):
            pass
        self.client("s3").create_bucket(Bucket=BUCKET)
        self.aws.calls.clear()

    def client(self, service: str, region: str = REGION) -> Any:
        """Return boto3's."""
        return boto3.client(service, endpoint_url=self.url, region_name=region)

    def parameters(self, name: str) -> dict[str, str]:
        """Return what the stack was given last."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        return {x["ParameterKey"]: x.get("ParameterValue", "") for x in stack["Parameters"]}

    def pending(self, name: str) -> list[str]:
        """Return the change sets that nobody executed."""
        found = self.client("cloudformation").list_change_sets(StackName=name)["Summaries"]
        return [x["ChangeSetName"] for x in found if x["ExecutionStatus"] == "AVAILABLE"]

    def packager(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        assert self.process is not None
        self.aws.pid = self.process.pid
        return self.process.run(*args)

    def deploy(self, bundle: Path, *args: str) -> subprocess.CompletedProcess[str]:
        return self.packager("deploy", bundle, "--stack", STACK, "--bucket", BUCKET, "--yes", *args)


@pytest.fixture(scope="session")
def _account() -> Iterator[Account]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PACKAGER_"))}
    with aws(Aws) as (url, faked):
        env = kept | embedded_environment(url)
        env |= {"AWS_ENDPOINT_URL": url, "AWS_MAX_ATTEMPTS": "1"}
        command = "packager=packager.__main__:main"
        with forked(sys.executable, command, *_IMPORTED, env=env) as process:
            yield Account(url, faked, process)


@pytest.fixture
def account(_account: Account) -> Account:
    _account.reset()
    return _account


@pytest.fixture
def bundle(tmp_path: Path) -> Make:
    """Makes bundles by name: another name, another model and zip.

    The handler returns `answer`, an expression of `event`; what else is given goes to
    `make_bundle`.
    """

    def make(
        name: str, status: int = 200, ping: int | None = None, answer: str = "", **changes: Any
    ) -> Path:
        folder = tmp_path / name
        answers = [{"statusCode": code, "body": name} for code in (status, ping or status)]
        answer = answer or f"{answers}['/ping' in str(event)]"
        code = f"def handler(event, context):\n    return {answer}\n"
        files = {"handler/__init__.py": "", "handler/main.py": code}
        changes = {"model": name.encode(), "files": files, "info": INFO} | changes
        made = make_bundle(folder, **changes)
        (folder / "template.yaml").write_text(render_template(made.manifest))
        return folder

    return make
