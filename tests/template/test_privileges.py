"""What the roles may do, what the alarms watch, and the stack in moto's CloudFormation."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from handler.telemetry import Telemetry
from tests.template.conftest import TEXTS
from tests.template.resolving import without_types
from tests.template.test_combinations import EXTRAS, SHA, VPC, given

ON = VPC | EXTRAS | {"Tracing": "Active", "Deployment": "Canary10Percent5Minutes"}
WITHOUT_RESOURCES = {
    "cloudwatch:DescribeAlarms",
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""Actions that AWS has no resources for, or none that are known before."""


LACKING_IN_MOTO = {
    "AWS::ApiGateway::Stage",
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Url",
}
"""What its CloudFormation cannot make; what refers to these is not made either, as permissions."""


def statements(template: dict[str, Any], role: str) -> dict[str, dict[str, Any]]:
    properties = template["Resources"][role]["Properties"]
    assert "ManagedPolicyArns" not in properties
    found = [
        statement
        for policy in properties["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    return {statement["Sid"]: statement for statement in found}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("values", [{}, ON], ids=["defaults", "everything"])
def test_no_role_may_do_all_or_touch_all(
    translated: dict[str, dict[str, Any]], name: str, values: dict[str, str]
) -> None:
    known = {k: v for k, v in values.items() if k in translated[name]["Parameters"]}
    template = given(translated[name], known).resolved()
    roles = [key for key, item in template["Resources"].items() if item["Type"].endswith("::Role")]
    assert roles
    for role in roles:
        for statement in statements(template, role).values():
            actions = set(as_list(statement["Action"]))
            assert not any("*" in action for action in actions)
            if "*" in as_list(statement["Resource"]):
                assert actions <= WITHOUT_RESOURCES


def test_the_function_reads_models_under_its_prefix_and_nothing_else(
    translated: dict[str, dict[str, Any]],
) -> None:
    plain = statements(given(translated["bundle"], {}).resolved(), "FunctionRole")
    assert set(plain) == {"ReadTheModel", "WriteTheLog", "SendTraces"}
    assert plain["ReadTheModel"]["Action"] == "s3:GetObject"
    assert plain["ReadTheModel"]["Resource"] == {
        "Fn::Sub": "arn:${AWS::Partition}:s3:::${ModelBucket}/${ModelPrefix}/*"
    }
    with_key = statements(given(translated["bundle"], ON).resolved(), "FunctionRole")
    assert set(with_key) == {*plain, "DecryptTheModel", "BeInTheVpc", "ButNotTheModel"}
    denied = with_key["ButNotTheModel"]
    assert denied["Effect"] == "Deny"
    assert denied["Action"] == with_key["BeInTheVpc"]["Action"]
    assert denied["Condition"] == {"Null": {"lambda:SourceFunctionArn": "false"}}
    assert with_key["DecryptTheModel"]["Action"] == "kms:Decrypt"
    assert with_key["DecryptTheModel"]["Resource"] == {"Ref": "ModelKmsKeyArn"}
    embedded = statements(given(translated["embedded"], {}).resolved(), "FunctionRole")
    assert set(embedded) == {"WriteTheLog", "SendTraces"}


def test_codedeploy_goes_back_when_the_functions_own_metric_or_the_api_says_so(
    translated: dict[str, dict[str, Any]],
) -> None:
    for api, alarm in (
        ("HTTP", "HttpApiErrorsAlarm"),
        ("REST", "RestApiErrorsAlarm"),
        ("URL", "FunctionUrlErrorsAlarm"),
    ):
        resources = given(translated["bundle"], ON | {"Api": api}).resolved()["Resources"]
        group = resources["DeploymentGroup"]["Properties"]
        watched = [item["Name"]["Ref"] for item in group["AlarmConfiguration"]["Alarms"]]
        assert watched == ["PredictionErrorsAlarm", "FunctionErrorsAlarm", alarm]
        assert all(name in resources for name in watched)
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        policy = resources["LiveAlias"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert policy["DeploymentGroupName"] == {"Ref": "DeploymentGroup"}


def test_the_alarm_watches_the_metric_that_the_handler_writes(
    translated: dict[str, dict[str, Any]],
) -> None:
    lines: list[str] = []
    telemetry = Telemetry(write=lines.append, function_name="my-function")
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:my-function:live"
    invocation = telemetry.start(SimpleNamespace(invoked_function_arn=arn))
    invocation.status = 500
    telemetry.finish(invocation)
    written = json.loads(lines[-1])
    (directive,) = written["_aws"]["CloudWatchMetrics"]

    alarm = translated["bundle"]["Resources"]["PredictionErrorsAlarm"]["Properties"]
    assert alarm["Namespace"] == directive["Namespace"]
    assert [alarm["MetricName"]] == [metric["Name"] for metric in directive["Metrics"]]
    dimensions = {item["Name"]: item["Value"] for item in alarm["Dimensions"]}
    assert list(dimensions) in directive["Dimensions"]
    assert dimensions["Resource"] == {"Fn::Sub": "${ModelFunction}:live"}
    assert written["Resource"] == "my-function:live"
    assert written[alarm["MetricName"]] == 1
    assert written["FunctionName"] == "my-function"


@pytest.fixture
def cloudformation() -> Iterator[Any]:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="my-bucket")
        s3.put_object(Bucket="my-bucket", Key="function.zip", Body=b"zip")
        yield boto3.client("cloudformation", region_name="us-east-1")


@pytest.mark.parametrize("api", ["HTTP", "REST", "URL"])
def test_moto_makes_what_it_can_of_the_stack(
    translated: dict[str, dict[str, Any]], cloudformation: Any, api: str
) -> None:
    template = without_types(given(translated["bundle"], {"Api": api}).resolved(), LACKING_IN_MOTO)
    cloudformation.create_stack(
        StackName="my-model",
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {"ParameterKey": "ModelBucket", "ParameterValue": "my-models"},
            {"ParameterKey": "ModelSha256", "ParameterValue": SHA},
            {"ParameterKey": "Api", "ParameterValue": api},
        ],
    )
    (stack,) = cloudformation.describe_stacks(StackName="my-model")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    made = {
        item["LogicalResourceId"]: item["PhysicalResourceId"]
        for item in cloudformation.list_stack_resources(StackName="my-model")[
            "StackResourceSummaries"
        ]
    }
    assert set(made) == set(template["Resources"])
    if api == "REST":
        assert {"RestApi", "RestInvocationsResource"} <= set(made)
    functions = boto3.client("lambda", region_name="us-east-1")
    function = functions.get_function(FunctionName=made["ModelFunction"])["Configuration"]
    assert function["Handler"] == "handler.main.handler"
    variables = function["Environment"]["Variables"]
    assert variables["MODEL_KEY"] == f"packager/models/{SHA}/model.zip"
    roles = boto3.client("iam", region_name="us-east-1")
    policy = roles.get_role_policy(RoleName=made["FunctionRole"], PolicyName="function")
    assert "arn:aws:s3:::my-models/packager/models/*" in str(policy["PolicyDocument"])
    logs = boto3.client("logs", region_name="us-east-1")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/my-model")["logGroups"]
    assert int(group["retentionInDays"]) == 30
