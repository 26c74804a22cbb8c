"""`mlflow deployments -t lambda`, by MLflow's own command line; functions are real bundles."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import click
import pandas
import pytest
from mlflow.deployments import get_deploy_client
from mlflow.exceptions import MlflowException

from packager.cli.build import command as build_command
from packager.cli.serve import command as serve_command
from packager.mlflow_plugin.options import read_options
from tests.conftest import Example
from tests.deploy.aws import aws
from tests.deploy.conftest import BUCKET, Account
from tests.deploy.running import RunningAws
from tests.support.commands import ROOT
from tests.support.forked import forked
from tests.template.reading import parse

pytestmark = pytest.mark.runtime

NAME = "my-rf"
Deployments = Callable[..., subprocess.CompletedProcess[str]]
QUICK = {"optimize": "none", "no-check": "true"}
ROWS = {"columns": [f"feature_{i}" for i in range(4)], "data": [[0.1] * 4, [0.9] * 4]}


@dataclass
class Mlflow:
    """MLflow in front of a faked account."""

    url: str
    aws: RunningAws
    example: Example

    @property
    def client(self) -> Any:
        """What a program that deploys takes."""
        return get_deploy_client("lambda")


@pytest.fixture
def mlflow(example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mlflow]:
    for name, value in example.env.items():
        monkeypatch.setenv(name, value)
    with aws(RunningAws) as (url, faked):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        faked.url, faked.folder = url, tmp_path / "functions"
        Account(url, faked).reset()
        yield Mlflow(url, faked, example)


@pytest.fixture
def deployments(mlflow: Mlflow) -> Iterator[Deployments]:
    """Runs MLflow's own command line, which takes ten seconds to import."""
    with forked(sys.executable, "mlflow=mlflow.cli:cli") as process:
        yield lambda command, *args: process.run("deployments", command, "-t", "lambda", *args)


def test_a_model_is_created_listed_asked_updated_and_deleted(
    mlflow: Mlflow, deployments: Deployments, tmp_path: Path
) -> None:
    settings = [f"{name}={value}" for name, value in (QUICK | {"bucket": BUCKET}).items()]
    words = [word for setting in settings for word in ("-C", setting)]
    model = ("-m", mlflow.example.uri, "-f", "sklearn")
    created = deployments("create", "--name", NAME, *model, *words)
    assert created.returncode == 0, created.stderr
    assert f"sklearn deployment {NAME} is created" in created.stdout
    assert "Testing version 1" in created.stderr

    listed = deployments("list")
    items = ast.literal_eval(listed.stdout.partition("\n")[2])
    assert [item["name"] for item in items] == [NAME]
    got = deployments("get", "--name", NAME)
    assert "live_version: 1\n" in got.stdout
    assert f"stored: s3://{BUCKET}/packager/{NAME}/\n" in got.stdout

    predictions = None
    for body in (
        {"dataframe_split": ROWS, "params": {}},
        {"inputs": dict(zip(ROWS["columns"], zip(*ROWS["data"], strict=True), strict=True))},
    ):
        (tmp_path / "body.json").write_text(json.dumps(body))
        asked = deployments("predict", "--name", NAME, "-I", tmp_path / "body.json")
        assert asked.returncode == 0, asked.stderr
        predictions = predictions or json.loads(asked.stdout)["predictions"]
        assert json.loads(asked.stdout)["predictions"] == predictions
    assert len(predictions) == 2
    table = pandas.DataFrame(ROWS["data"], columns=ROWS["columns"])
    assert mlflow.client.predict(NAME, table)["predictions"] == predictions
    with pytest.raises(MlflowException, match="status 400"):
        mlflow.client.predict(NAME, table[["feature_0"]])

    model = ("-m", str(mlflow.example.folder))
    updated = deployments("update", "--name", NAME, *model, *words, "-C", "MemorySize=3008")
    assert updated.returncode == 0, updated.stderr
    assert f"Deployment {NAME} is updated (with flavor sklearn)" in updated.stdout
    assert mlflow.aws.live(NAME) == "2"

    again = deployments("create", "--name", NAME, *model, *words)
    assert again.returncode == 1
    assert f"Error: there is a deployment {NAME} already" in again.stderr
    assert "Traceback" not in again.stderr

    deleted = deployments("delete", "--name", NAME)
    assert deleted.returncode == 0, deleted.stderr
    assert f"s3://{BUCKET}/packager/{NAME}/" in deleted.stderr
    assert mlflow.client.list_deployments() == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"buckett": "x"}, "there is no setting buckett. Did you mean bucket?"),
        ({"bucket": "x", "MemorySzie": "1"}, "Did you mean MemorySize?"),
        ({"bucket": "x", "LiveVersion": "newest"}, "there is no setting LiveVersion"),
        ({"bucket": "x", "layer": "yes"}, "say true or false"),
        ({"bucket": "x", "optimize": "wildly"}, "'wildly' is not one of"),
        ({}, "-C bucket=my-models"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_built(
    mlflow: Mlflow, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(MlflowException, match=words) as raised:
        mlflow.client.create_deployment(NAME, mlflow.example.uri, config=settings)

    assert raised.value.error_code == "INVALID_PARAMETER_VALUE"
    assert set(mlflow.aws.calls) <= {"DescribeStacks"}


def test_what_is_not_there_is_named_with_its_region(mlflow: Mlflow) -> None:
    client = get_deploy_client("lambda:/eu-west-1")
    for call in (
        lambda: client.get_deployment(NAME),
        lambda: client.predict(NAME, {"inputs": [1]}),
        lambda: client.update_deployment(NAME, "models:/X/1"),
    ):
        with pytest.raises(MlflowException, match=f"no deployment {NAME} in eu-west-1") as raised:
            call()
        assert raised.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    client.delete_deployment(NAME)


def test_a_flavor_that_the_model_is_not_served_by_is_refused(mlflow: Mlflow) -> None:
    words = "the model is served as sklearn, not as xgboost"
    with pytest.raises(MlflowException, match=words) as raised:
        mlflow.client.create_deployment(
            NAME, str(mlflow.example.folder), "xgboost", QUICK | {"bucket": BUCKET}
        )

    assert raised.value.error_code == "INVALID_PARAMETER_VALUE"
    assert mlflow.aws.calls == ["DescribeStacks"]


def test_arguments_that_have_no_sense_for_lambda_are_refused() -> None:
    client = get_deploy_client("lambda")
    for call in (
        lambda: client.create_deployment(NAME, "models:/X/1", endpoint="x"),
        lambda: client.update_deployment(NAME, "models:/X/1", endpoint="x"),
        lambda: client.delete_deployment(NAME, endpoint="x"),
        lambda: client.list_deployments(endpoint="x"),
        lambda: client.get_deployment(NAME, endpoint="x"),
        lambda: client.predict(endpoint="x"),
        lambda: client.predict(NAME),
        lambda: client.delete_deployment(NAME, config={"bucket": "x"}),
        lambda: client.create_deployment(NAME, "models:/X/1", config={"bucket": ["x"]}),
        lambda: client.create_deployment(NAME, "models:/X/1", config={1: "x"}),
    ):
        with pytest.raises(MlflowException) as raised:
            call()
        assert raised.value.error_code == "INVALID_PARAMETER_VALUE"


def test_a_stack_of_something_else_is_not_called_a_deployment(mlflow: Mlflow) -> None:
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"Endpoint": {"Value": "of another kind"}},
    }
    boto3.client("cloudformation").create_stack(StackName=NAME, TemplateBody=json.dumps(template))

    for call in (mlflow.client.create_deployment, mlflow.client.update_deployment):
        with pytest.raises(MlflowException, match="was not made from packager's template"):
            call(NAME, str(mlflow.example.folder), config=QUICK | {"bucket": BUCKET})


@pytest.mark.parametrize(
    ("config", "values"),
    [
        ({"with-sources": "true"}, {"sourceless": False}),
        ({"with-sources": "false"}, {"sourceless": True}),
        ({"sourceless": False}, {"sourceless": False}),
        ({"no-check": "false"}, {"no-check": False}),
        ({"no-check": True}, {"no-check": True}),
        ({"no-check": None, "runtime": None}, {"no-check": False, "runtime": "auto"}),
    ],
)
def test_switches_are_turned_both_ways(config: dict[str, Any], values: dict[str, Any]) -> None:
    assert read_options(config).build.items() >= values.items()


@pytest.mark.parametrize("subnets", [["subnet-1", "subnet-2"], '["subnet-1", "subnet-2"]'])
def test_several_values_are_a_list(subnets: str | list[str]) -> None:
    options = read_options({"VpcSubnetIds": subnets, "MemorySize": 3008})

    assert options.parameters == {"VpcSubnetIds": "subnet-1,subnet-2", "MemorySize": "3008"}


def test_help_names_what_is_taken_and_nothing_else(deployments: Deployments) -> None:
    done = deployments("help")
    assert done.returncode == 0, done.stderr
    places, build, parameters, local = re.split(r"\n\n(?=\S)", done.stdout.strip())[-4:]

    def listed(section: str) -> set[str]:
        return set(re.findall(r"^  ([a-z-]+)  ", section, re.MULTILINE))

    def words_of(command: click.Command) -> set[str]:
        words = {word for option in command.params for word in option.opts + option.secondary_opts}
        return {word.removeprefix("--") for word in words if word.startswith("--")}

    assert listed(places) == {"bucket", "prefix"}
    decided_by_the_plugin = {"output", "package", "report", "dry-run", "json", "flavor"}
    assert listed(build) == words_of(build_command) - decided_by_the_plugin
    assert listed(local) == words_of(serve_command) - {"model-uri", "flavor"}
    template = parse((ROOT / "template.yaml").read_text())
    set_by_deploy = {"ModelBucket", "ModelPrefix", "ModelSha256", "LiveVersion"}
    set_by_deploy |= {"Revision", "RollsBack"}
    names = set(re.findall(r"\w+", parameters.partition("\n\n")[2]))
    assert names == {*template["Parameters"], "LayerArn"} - set_by_deploy
    for name in names:
        assert read_options({name: "x"}).parameters == {name: "x"}
