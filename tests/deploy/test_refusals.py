"""What deployments refuse, and leave as it was, against moto."""

import json
import subprocess
import sys

import pytest

from tests.deploy.conftest import BUCKET, STACK, Account, Make


def test_the_live_version_is_not_cut_off_from_its_model(account: Account, bundle: Make) -> None:
    account.deploy(bundle("one"), "--prefix", "teams/fraud")
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    account.aws.calls.clear()

    for other in (["--prefix", "elsewhere"], ["--bucket", "others-models"]):
        done = account.deploy(bundle("two"), *other)
        assert done.returncode == 2, done.stderr
        assert "could not read their models any more" in done.stderr
    assert set(account.aws.calls) == {"DescribeStacks", "GetTemplateSummary"}
    kept = account.deploy(bundle("two"))
    assert kept.returncode == 0, kept.stderr
    assert account.parameters(STACK)["ModelPrefix"] == "teams/fraud/models"
    given = account.deploy(bundle("two"), "--parameter", f"ModelKmsKeyArn={key}")
    assert given.returncode == 0, given.stderr
    taken = account.deploy(bundle("two"), "--parameter", "ModelKmsKeyArn=")
    assert "could not read" in taken.stderr


@pytest.mark.parametrize("place", [["--prefix", r"models\mine"], ["--bucket", "s3://my-models"]])
def test_a_place_that_is_none_is_refused(account: Account, bundle: Make, place: list[str]) -> None:
    done = account.deploy(bundle("one"), "--dry-run", *place)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_bucket_of_another_region_is_refused_before_anything_is_sent(
    account: Account, bundle: Make
) -> None:
    client = account.client("s3", "eu-west-1")
    place = {"LocationConstraint": "eu-west-1"}
    client.create_bucket(Bucket="far-models", CreateBucketConfiguration=place)

    for option in ("--yes", "--dry-run"):
        done = account.packager(
            "deploy", bundle("one"), "--stack", STACK, "--bucket", "far-models", option
        )
        assert done.returncode == 2
        assert "far-models is in eu-west-1, and the function would be in us-east-1" in done.stderr
    assert client.list_objects_v2(Bucket="far-models")["KeyCount"] == 0


@pytest.mark.parametrize("command", ["status", "logs", "destroy", "rollback"])
@pytest.mark.parametrize("name", ["", "my_model"])
def test_a_name_that_no_stack_can_have_is_refused(
    account: Account, command: str, name: str
) -> None:
    account.aws.calls.clear()

    done = account.packager(command, "--stack", name)

    assert done.returncode == 2
    assert f"{name!r} is no name for a stack" in done.stderr
    assert account.aws.calls == []


def test_a_closed_stdin_is_no_terminal(account: Account) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -m packager destroy --stack {STACK} <&-'],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "there is no terminal to ask on" in done.stderr


def test_nothing_is_asked_without_a_terminal(account: Account, bundle: Make) -> None:
    deploy = ("deploy", bundle("one"), "--stack", STACK, "--bucket", BUCKET)
    for args in (deploy, ("rollback", "--stack", STACK), ("destroy", "--stack", STACK)):
        done = account.packager(*args)
        assert done.returncode == 2
        assert "--yes" in done.stderr
    assert account.aws.calls == []


def test_a_stack_of_something_else_is_left_alone(account: Account, bundle: Make) -> None:
    client = account.client("cloudformation")
    topic = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    client.create_stack(StackName=STACK, TemplateBody=json.dumps(topic))
    account.aws.calls.clear()

    for args in (("destroy", "--stack", STACK, "--yes"), ("status", "--stack", STACK)):
        assert account.packager(*args).returncode == 2
    done = account.deploy(bundle("one"))

    assert done.returncode == 2
    assert "was not made from packager's template" in done.stderr
    assert set(account.aws.calls) == {"DescribeStacks"}


def test_a_stack_that_waits_for_others_changes_is_left_alone(
    account: Account, bundle: Make
) -> None:
    client = account.client("cloudformation")
    topic = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    client.create_change_set(
        StackName=STACK,
        ChangeSetName="of-cdk",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps(topic),
    )

    for done in (
        account.deploy(bundle("one")),
        account.packager("destroy", "--stack", STACK, "--yes"),
    ):
        assert done.returncode == 2
        assert "was not made from packager's template" in done.stderr
    assert "DeleteStack" not in account.aws.calls


def test_a_stack_that_needs_its_owner_is_an_error_with_the_command(
    account: Account, bundle: Make
) -> None:
    account.deploy(bundle("one"))
    account.aws.stack(STACK).status = "UPDATE_ROLLBACK_FAILED"

    done = account.deploy(bundle("two"))

    assert done.returncode == 1
    assert f"continue-update-rollback --stack-name {STACK}" in done.stderr


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("MemorySzie=1", "Did you mean MemorySize?"),
        ("LiveVersion=newest", "is set by `packager deploy` itself"),
        ("MemorySize", "is not KEY=VALUE"),
        ("ProvisionedConcurrency=5 ReservedConcurrency=5", "leaves nothing of"),
        ("ProvisionedConcurrency=five", "it takes a number"),
        ("ProvisionedConcurrency=\u0663", "it takes a number"),
        ("ProvisionedConcurrency=", "it takes a number"),
        ("MemorySize=64", "it takes a number from 128 on"),
        ("Timeout=901", "it takes a number up to 900"),
        ("Deployment=Canary", "it takes AllAtOnce or Canary10Percent5Minutes or "),
        ("AlarmTopicArn=my-topic", "it takes the ARN of a topic, or nothing"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_sent(
    account: Account, bundle: Make, assignment: str, words: str
) -> None:
    given = [word for text in assignment.split() for word in ("--parameter", text)]
    done = account.deploy(bundle("one"), *given)

    assert done.returncode == 2
    assert words in done.stderr
    assert set(account.aws.calls) <= {"DescribeStacks"}


def test_a_damaged_template_is_told_without_a_traceback(account: Account, bundle: Make) -> None:
    folder = bundle("one")
    for text in ("", "a: [", "Parameters: {LiveVersion: x}"):
        (folder / "template.yaml").write_text(text)
        done = account.deploy(folder)
        assert done.returncode == 1, done.stderr
        assert "template.yaml is damaged" in done.stderr
        assert "Traceback" not in done.stderr
