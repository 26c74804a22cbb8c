"""Who may call what, behind which throttle, and what each alarm watches, word for word."""

from typing import Any

import pytest

from tests.template.conftest import TEXTS
from tests.template.test_combinations import JWT, given

LIVE = {"Ref": "LiveAlias"}
OF_LIVE = {
    "FunctionName": {"Ref": "ModelFunction"},
    "Resource": {"Fn::Sub": "${ModelFunction}:live"},
}
THROTTLE = [{"Ref": "ThrottlingRate"}, {"Ref": "ThrottlingBurst"}]


def resources_of(template: dict[str, Any], **values: str) -> dict[str, Any]:
    more = JWT if values.get("Auth") == "JWT" else {}
    resources: dict[str, Any] = given(template, values | more).resolved()["Resources"]
    return resources


def of_type(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [item["Properties"] for item in resources.values() if item["Type"] == kind]


def permission(action: str, principal: str, **more: Any) -> dict[str, Any]:
    return {"FunctionName": LIVE, "Action": action, "Principal": principal, **more}


def from_api(name: str) -> dict[str, Any]:
    source = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${" + name + "}/*"
    principal = "apigateway.amazonaws.com"
    return permission("lambda:InvokeFunction", principal, SourceArn={"Fn::Sub": source})


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(
    ("api", "auth", "expected"),
    [
        *(("HTTP", auth, [from_api("HttpApi")]) for auth in ("AWS_IAM", "JWT", "NONE")),
        *(("REST", auth, [from_api("RestApi")]) for auth in ("AWS_IAM", "API_KEY", "NONE")),
        ("URL", "AWS_IAM", []),
        (
            "URL",
            "NONE",
            [
                permission("lambda:InvokeFunctionUrl", "*", FunctionUrlAuthType="NONE"),
                permission("lambda:InvokeFunction", "*", InvokedViaFunctionUrl=True),
            ],
        ),
    ],
)
def test_nobody_else_may_invoke_the_function(
    translated: dict[str, dict[str, Any]],
    name: str,
    api: str,
    auth: str,
    expected: list[dict[str, Any]],
) -> None:
    resources = resources_of(translated[name], Api=api, Auth=auth)

    assert of_type(resources, "AWS::Lambda::Permission") == expected


def test_tokens_are_checked_on_every_route(translated: dict[str, dict[str, Any]]) -> None:
    resources = resources_of(translated["bundle"], Auth="JWT")

    routes = of_type(resources, "AWS::ApiGatewayV2::Route")
    assert len(routes) == 4
    assert all(route["AuthorizerId"] == {"Ref": "HttpApiAuthorizer"} for route in routes)
    (authorizer,) = of_type(resources, "AWS::ApiGatewayV2::Authorizer")
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    assert authorizer["JwtConfiguration"] == {
        "Issuer": {"Ref": "JwtIssuer"},
        "Audience": {"Ref": "JwtAudience"},
    }
    without = resources_of(translated["bundle"], Auth="AWS_IAM")
    assert not any("AuthorizerId" in x for x in of_type(without, "AWS::ApiGatewayV2::Route"))


def test_a_key_opens_the_rest_api_through_its_plan(translated: dict[str, dict[str, Any]]) -> None:
    resources = resources_of(translated["bundle"], Api="REST", Auth="API_KEY")

    (link,) = of_type(resources, "AWS::ApiGateway::UsagePlanKey")
    assert link == {
        "KeyId": {"Ref": "ApiKey"},
        "KeyType": "API_KEY",
        "UsagePlanId": {"Ref": "UsagePlan"},
    }
    plan = resources["UsagePlan"]["Properties"]
    assert plan["ApiStages"] == [{"ApiId": {"Ref": "RestApi"}, "Stage": {"Ref": "RestStage"}}]
    assert list(plan["Throttle"].values()) == THROTTLE
    assert resources["ApiKey"]["Properties"]["Enabled"] is True


def test_both_kinds_of_api_are_throttled(translated: dict[str, dict[str, Any]]) -> None:
    http = resources_of(translated["bundle"], Api="HTTP")["HttpApiStage"]["Properties"]
    rest = resources_of(translated["bundle"], Api="REST")["RestStage"]["Properties"]

    for settings in (http["DefaultRouteSettings"], *rest["MethodSettings"]):
        values = [settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]]
        assert values == THROTTLE
    (every,) = rest["MethodSettings"]
    assert (every["ResourcePath"], every["HttpMethod"]) == ("/*", "*")


@pytest.mark.parametrize("name", TEXTS)
def test_an_api_has_each_route_once_while_one_set_replaces_another(
    translated: dict[str, dict[str, Any]], name: str
) -> None:
    """CloudFormation makes the new ones first, and an API takes a route key only once."""
    keys = [
        (str(item["ApiId"]), item["RouteKey"])
        for item in of_type(translated[name]["Resources"], "AWS::ApiGatewayV2::Route")
    ]

    assert len(keys) == 8
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        ("HTTP", ("AWS/ApiGateway", "5xx", {"ApiId": {"Ref": "HttpApi"}, "Stage": "$default"})),
        (
            "REST",
            ("AWS/ApiGateway", "5XXError", {"ApiName": {"Ref": "AWS::StackName"}, "Stage": "live"}),
        ),
        ("URL", ("AWS/Lambda", "Url5xxCount", OF_LIVE)),
    ],
)
def test_alarms_watch_what_aws_and_the_handler_measure(
    translated: dict[str, dict[str, Any]], api: str, expected: tuple[str, str, dict[str, Any]]
) -> None:
    resources = resources_of(translated["bundle"], Api=api)
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    found = [
        (x["Namespace"], x["MetricName"], {d["Name"]: d["Value"] for d in x["Dimensions"]})
        for x in alarms
    ]

    assert expected in found
    assert ("AWS/Lambda", "Errors", OF_LIVE) in found
    assert len(found) == 3
    for alarm in alarms:
        assert (alarm["Statistic"], alarm["Period"]) == ("Sum", 60)
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["TreatMissingData"] == "notBreaching"
