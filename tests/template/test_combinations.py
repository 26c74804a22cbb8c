"""Every combination of the template's conditions: does it hold together, and is it closed?"""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.template.conftest import TEXTS
from tests.template.resolving import Resolver, dangling

SHA = "ab" * 32
APIS = ("HTTP", "REST", "URL")
AUTHS = ("AWS_IAM", "JWT", "API_KEY", "NONE")
VERSIONS = ("newest", "none", "7")
DEPLOYMENTS = ("AllAtOnce", "Canary10Percent5Minutes")
JWT = {"JwtIssuer": "https://issuer.example", "JwtAudience": "models"}
VPC = {
    "VpcSubnetIds": "subnet-0123456789abcdef0",
    "VpcSecurityGroupIds": "sg-0123456789abcdef0",
}
EXTRAS = {
    "ModelKmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1",
    "S3EndpointUrl": "https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com",
    "LayerArn": "arn:aws:lambda:us-east-1:123456789012:layer:x:1",
    "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms",
    "ReservedConcurrency": "5",
    "FunctionKmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/2",
    "Tracing": "PassThrough",
}
"""The parameters whose conditions do not meet others': each alone, none, and all at once."""


def given(template: dict[str, Any], values: dict[str, str]) -> Resolver:
    """Fill in what has no default."""
    asked = {"ModelBucket": "my-models", "ModelSha256": SHA} | values
    return Resolver(template, {k: v for k, v in asked.items() if k in template["Parameters"]})


def combinations(template: dict[str, Any]) -> Iterator[Resolver]:
    """Yield every combination that the template's rules let pass."""
    alone = [{name: value} for name, value in EXTRAS.items()]
    # An interface endpoint is in a VPC.
    through_vpc = VPC | {"S3EndpointUrl": EXTRAS["S3EndpointUrl"]}
    extras = [{}, VPC | EXTRAS, VPC, through_vpc, *alone]
    for api, auth, version, deployment, kept, snap_start in itertools.product(
        APIS, AUTHS, VERSIONS, DEPLOYMENTS, ("0", "2"), ("None", "PublishedVersions")
    ):
        values = {
            "Api": api,
            "Auth": auth,
            "LiveVersion": version,
            "Deployment": deployment,
            "ProvisionedConcurrency": kept,
            "SnapStart": snap_start,
        }
        for extra in extras:
            resolver = given(template, values | (JWT if auth == "JWT" else {}) | extra)
            if not resolver.refusals():
                yield resolver


def covering(translated: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield combinations in which every resource of every combination is, word for word.

    What resources say of each other is another test's, for every combination.
    """
    seen: set[str] = set()
    for template in translated.values():
        resolved = [resolver.resolved() for resolver in combinations(template)]
        texts = [set(_texts(document)) for document in resolved]
        while new := max((text - seen for text in texts), key=len):
            chosen = next(n for n, text in enumerate(texts) if text - seen == new)
            seen |= new
            yield resolved[chosen]


def _texts(template: dict[str, Any]) -> Iterator[str]:
    for section in ("Resources", "Outputs"):
        for name, item in template[section].items():
            yield json.dumps([name, item], sort_keys=True)


def authorisations(resources: dict[str, Any]) -> list[str]:
    """Return how each way in from outside is authorised."""
    found = []
    for resource in resources.values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::ApiGatewayV2::Route":
            auth = properties["AuthorizationType"]
            found.append("parameter" if auth == {"Ref": "Auth"} else auth)
        elif resource["Type"] == "AWS::ApiGateway::Method":
            is_keyed = properties["ApiKeyRequired"] is True
            found.append("API_KEY" if is_keyed else properties["AuthorizationType"])
        elif resource["Type"] == "AWS::Lambda::Url":
            found.append(properties["AuthType"])
        elif resource["Type"] == "AWS::Lambda::Permission" and properties["Principal"] == "*":
            found.append("NONE")
    return found


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_refers_to_what_is_not_made(
    translated: dict[str, dict[str, Any]], name: str
) -> None:
    count = 0
    for resolver in combinations(translated[name]):
        count += 1
        assert dangling(resolver.resolved()) == set(), resolver.parameters
    assert count > 1_000


def test_every_combination_lets_in_whom_auth_names_and_nobody_else(
    translated: dict[str, dict[str, Any]],
) -> None:
    for resolver in combinations(translated["bundle"]):
        api, auth = resolver.parameters["Api"], resolver.parameters["Auth"]
        found = authorisations(resolver.resolved()["Resources"])
        if resolver.parameters["LiveVersion"] == "none":
            assert found == []
        elif api == "HTTP":
            assert found == ["parameter"] * 4
        elif api == "REST":
            assert found == [auth] * 4
        else:
            assert found == (["NONE"] * 3 if auth == "NONE" else ["AWS_IAM"])


@pytest.mark.parametrize("name", TEXTS)
def test_an_open_endpoint_cannot_come_about_by_default(
    translated: dict[str, dict[str, Any]], name: str
) -> None:
    template = translated[name]
    assert template["Parameters"]["Auth"]["Default"] == "AWS_IAM"
    for api in APIS:
        found = authorisations(given(template, {"Api": api}).resolved()["Resources"])
        closed = {"AWS_IAM"} if api != "HTTP" else {"parameter"}
        assert set(found) == closed


def test_taking_auth_back_from_none_makes_the_rest_api_a_new_deployment(
    translated: dict[str, dict[str, Any]],
) -> None:
    def deployment(auth: str) -> Any:
        resources = given(translated["bundle"], {"Api": "REST", "Auth": auth}).resolved()[
            "Resources"
        ]
        deployed = resources["RestStage"]["Properties"]["DeploymentId"]["Ref"]
        assert deployed in resources
        return deployed

    assert len({deployment(auth) for auth in ("AWS_IAM", "API_KEY", "NONE")}) == 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"Auth": "JWT"}, "JwtIssuer"),
        ({"Auth": "JWT", "JwtIssuer": "https://x"}, "JwtAudience"),
        ({"Auth": "JWT", "Api": "REST", **JWT}, "Api=HTTP"),
        ({"Auth": "API_KEY"}, "Api=REST"),
        ({"Auth": "API_KEY", "Api": "URL"}, "Api=REST"),
        ({"SnapStart": "PublishedVersions", "ProvisionedConcurrency": "1"}, "Provisioned"),
        ({"SnapStart": "PublishedVersions", "EphemeralStorage": "513"}, "EphemeralStorage"),
        ({"SnapStart": "PublishedVersions", "Runtime": "python3.11"}, "python3.12"),
        ({"ProvisionedConcurrency": "1", "ReservedConcurrency": "0"}, "provision"),
        ({"VpcSubnetIds": VPC["VpcSubnetIds"]}, "needs VpcSecurityGroupIds"),
        ({"VpcSecurityGroupIds": VPC["VpcSecurityGroupIds"]}, "needs VpcSubnetIds"),
    ],
)
def test_what_cannot_go_together_is_refused(
    translated: dict[str, dict[str, Any]], values: dict[str, str], expected: str
) -> None:
    template = translated["general"]
    assert given(template, {}).refusals() == []
    refusals = given(template, {"Runtime": "python3.12"} | values).refusals()
    assert any(expected in refusal for refusal in refusals)


def test_cfn_lint_finds_nothing_in_any_resource_of_any_combination(
    translated: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    for name, template in translated.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(template))
    for number, template in enumerate(covering(translated)):
        (tmp_path / f"combination-{number}.json").write_text(json.dumps(template))
    done = subprocess.run(
        # The first two: parameters that the conditions used, which are resolved here. The last:
        # `Revision` is read by the translator itself.
        [
            Path(sys.executable).with_name("cfn-lint"),
            *("--include-checks", "W", "--ignore-checks", "W2001"),
            "--template",
            *sorted(tmp_path.glob("*.json")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
