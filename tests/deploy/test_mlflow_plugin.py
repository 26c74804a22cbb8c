"""`mlflow deployments -t lambda`, by MLflow's own command line; functions are real bundles."""

import ast
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from tests.conftest import Example
from tests.deploy.aws import REGION, RunningAws, aws
from tests.deploy.conftest import BUCKET

pytestmark = pytest.mark.runtime

NAME = "my-rf"
ROWS = {"columns": [f"feature_{i}" for i in range(4)], "data": [[0.1] * 4, [0.9] * 4]}


@dataclass
class Mlflow:
    """MLflow's command line in front of a faked account."""

    url: str
    aws: RunningAws
    example: Example

    def deployments(
        self, command: str, *args: str | Path, target: str = "lambda"
    ) -> subprocess.CompletedProcess[str]:
        """Run `mlflow deployments`, as if nothing but MLflow had been started."""
        mlflow = Path(sys.executable).with_name("mlflow")
        return subprocess.run(
            [mlflow, "deployments", command, "-t", target, *args],
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def deploy(self, command: str, *settings: str) -> subprocess.CompletedProcess[str]:
        quick = ("optimize=none", "no-check=true", *settings)
        words = [word for setting in quick for word in ("-C", setting)]
        return self.deployments(command, "--name", NAME, "-m", self.example.uri, *words)

    def predict(self, path: Path) -> subprocess.CompletedProcess[str]:
        return self.deployments("predict", "--name", NAME, "-I", path)

    @property
    def _env(self) -> dict[str, str]:
        return os.environ | self.example.env | {"AWS_ENDPOINT_URL": self.url}


@pytest.fixture
def mlflow(example: Example) -> Iterator[Mlflow]:
    with aws(RunningAws) as (url, faked):
        faked.url = url
        reset = urllib.request.Request(f"{url}/moto-api/reset", method="POST")
        with urllib.request.urlopen(reset):
            pass
        boto3.client("s3", endpoint_url=url, region_name=REGION).create_bucket(Bucket=BUCKET)
        faked.calls.clear()
        yield Mlflow(url, faked, example)


def test_a_model_is_created_listed_asked_updated_and_deleted(
    mlflow: Mlflow, tmp_path: Path
) -> None:
    created = mlflow.deploy("create", f"bucket={BUCKET}", "MemorySize=2048")
    assert created.returncode == 0, created.stderr
    assert f"sklearn deployment {NAME} is created" in created.stdout
    assert "Testing version 1" in created.stderr

    listed = mlflow.deployments("list")
    deployments = ast.literal_eval(listed.stdout.partition("\n")[2])
    assert [item["name"] for item in deployments] == [NAME]
    got = mlflow.deployments("get", "--name", NAME)
    assert "live_version: 1\n" in got.stdout
    assert f"stored: s3://{BUCKET}/packager/{NAME}/\n" in got.stdout

    body, table = tmp_path / "body.json", tmp_path / "table.json"
    body.write_text(json.dumps({"dataframe_split": ROWS}))
    records = [dict(zip(ROWS["columns"], row, strict=True)) for row in ROWS["data"]]
    table.write_text(json.dumps(records))
    answers = [mlflow.predict(path) for path in (body, table)]
    assert [item.returncode for item in answers] == [0, 0], answers[0].stderr
    assert len(json.loads(answers[0].stdout)["predictions"]) == 2
    assert answers[0].stdout == answers[1].stdout

    updated = mlflow.deploy("update", "MemorySize=3008")
    assert updated.returncode == 0, updated.stderr
    assert f"Deployment {NAME} is updated (with flavor sklearn)" in updated.stdout
    assert mlflow.aws.live(NAME) == "2"
    assert "uploading" not in updated.stderr.lower()

    deleted = mlflow.deployments("delete", "--name", NAME)
    assert deleted.returncode == 0, deleted.stderr
    assert f"s3://{BUCKET}/packager/{NAME}/" in deleted.stderr
    assert "[]" in mlflow.deployments("list").stdout
    gone = mlflow.deployments("get", "--name", NAME)
    assert "there is no deployment my-rf in us-east-1" in gone.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("buckett=x",), "there is no setting buckett. Did you mean bucket?"),
        (("bucket=x", "MemorySzie=1"), "Did you mean MemorySize?"),
        (("bucket=x", "LiveVersion=newest"), "there is no setting LiveVersion"),
        (("bucket=x", "layer=yes"), "say true or false"),
        ((), "-C bucket=my-models"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_built(
    mlflow: Mlflow, settings: tuple[str, ...], words: str
) -> None:
    done = mlflow.deploy("create", *settings)

    assert done.returncode != 0
    assert words in done.stderr
    assert "Resolving" not in done.stderr
    assert set(mlflow.aws.calls) <= {"DescribeStacks"}


def test_what_is_not_there_is_named_with_its_region(mlflow: Mlflow) -> None:
    for command in ("get", "update"):
        args = ("-m", "models:/X/1") if command == "update" else ()
        done = mlflow.deployments(command, "--name", NAME, *args, target="lambda:/eu-west-1")
        assert done.returncode != 0
        assert f"there is no deployment {NAME} in eu-west-1" in done.stderr


def test_help_describes_the_settings(mlflow: Mlflow) -> None:
    done = mlflow.deployments("help")

    assert done.returncode == 0, done.stderr
    for word in ("bucket", "optimize", "MemorySize", "port"):
        assert word in done.stdout
