"""From the bundle to live traffic and back, by the commands, against moto."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from tests.deploy.aws import REGION
from tests.deploy.conftest import BUCKET, INFO, STACK, Account

Make = Callable[..., Path]


def test_a_first_deployment_is_tested_before_there_is_an_endpoint(
    account: Account, bundle: Make
) -> None:
    done = account.deploy(bundle("one"))

    assert done.returncode == 0, done.stderr
    assert account.aws.live(STACK) == "1"
    assert account.aws.answered == {"1"}
    assert "live      version 1" in done.stdout
    assert "awscurl --service execute-api --region us-east-1 -X POST" in done.stdout
    executed = [call for call in account.aws.calls if call == "ExecuteChangeSet"]
    assert len(executed) == 2


def test_an_update_moves_traffic_and_the_endpoint_stays(account: Account, bundle: Make) -> None:
    account.deploy(bundle("one"))

    done = account.deploy(bundle("two"), "--json")

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["version_before"], answer["live_version"]) == ("1", "2")
    assert account.aws.lived == ["1", "2"]


def test_a_version_that_does_not_answer_never_gets_traffic(account: Account, bundle: Make) -> None:
    account.deploy(bundle("one"))

    broken = account.deploy(bundle("two", status=500))
    again = account.deploy(bundle("two", status=500))

    assert (broken.returncode, again.returncode) == (3, 3)
    assert '"statusCode": 500' in broken.stderr
    assert account.aws.live(STACK) == "1"
    mended = account.deploy(bundle("three"))
    assert mended.returncode == 0, mended.stderr
    assert account.aws.lived == ["1", "3"]
    back = account.packager("rollback", "--stack", STACK, "--yes")
    assert back.returncode == 0, back.stderr
    assert account.aws.lived == ["1", "3", "1"], "2 is passed over"
    refused = account.packager("rollback", "--stack", STACK, "--to", "2", "--yes")
    assert refused.returncode == 3
    assert account.aws.live(STACK) == "1"


def test_what_answered_a_ping_alone_has_not_passed_its_test(account: Account, bundle: Make) -> None:
    account.deploy(bundle("one"))
    account.deploy(bundle("two", status=500, ping=200))

    forced = account.packager("rollback", "--stack", STACK, "--to", "2", "--yes")

    assert forced.returncode == 0, forced.stderr
    assert "it has not proven itself" in forced.stderr
    text = account.packager("status", "--stack", STACK).stdout
    assert "version     2: live, not proven" in text


def test_a_rollback_passes_over_what_was_rolled_back_from(account: Account, bundle: Make) -> None:
    account.deploy(bundle("one"))
    account.deploy(bundle("two"))
    account.packager("rollback", "--stack", STACK, "--yes")
    account.deploy(bundle("three"))

    back = account.packager("rollback", "--stack", STACK, "--yes")

    assert back.returncode == 0, back.stderr
    assert account.aws.lived == ["1", "2", "1", "3", "1"]


def test_a_rollback_passes_over_what_an_alarm_took_the_traffic_from(
    account: Account, bundle: Make
) -> None:
    account.deploy(bundle("one"), "--parameter", "Deployment=Canary10Percent5Minutes")
    account.aws.alarm_rings = True
    assert account.deploy(bundle("two")).returncode == 1
    account.aws.alarm_rings = False
    account.deploy(bundle("three"))

    back = account.packager("rollback", "--stack", STACK, "--yes")

    assert back.returncode == 0, back.stderr
    assert account.aws.live(STACK) == "1"


def test_nothing_is_rolled_back_to_before_anything_was_live(account: Account, bundle: Make) -> None:
    account.deploy(bundle("one", status=500, ping=200))

    refused = account.packager("rollback", "--stack", STACK, "--to", "1", "--yes")

    assert refused.returncode == 2
    assert "no version of my-model is live yet" in refused.stderr
    assert account.aws.live(STACK) is None


def test_a_version_that_does_not_answer_changes_nothing_of_the_api(
    account: Account, bundle: Make
) -> None:
    account.deploy(bundle("one"))
    settings = ("--parameter", "Api=REST", "--parameter", "Auth=NONE")

    broken = account.deploy(bundle("two", status=500), *settings)

    assert broken.returncode == 3
    parameters = account.parameters(STACK)
    assert (parameters["Api"], parameters["Auth"]) == ("HTTP", "AWS_IAM")
    done = account.deploy(bundle("three"), "--parameter", "Api=REST")
    assert done.returncode == 0, done.stderr
    assert account.parameters(STACK)["Api"] == "REST"


def test_a_model_that_refuses_a_made_up_row_has_to_answer_a_ping(
    account: Account, bundle: Make
) -> None:
    signature = {"inputs": [{"type": "string", "name": "city"}]}
    unknown = dataclasses.replace(INFO, input_example=None, signature=signature)

    done = account.deploy(bundle("one", status=400, ping=200, info=unknown))

    assert done.returncode == 0, done.stderr
    assert "log the model with an input example" in done.stderr
    for name, model in (("two", {"status": 500}), ("three", {"status": 400, "ping": 503})):
        assert account.deploy(bundle(name, info=unknown, **model)).returncode == 3
    assert account.deploy(bundle("four", status=400, ping=200)).returncode == 3
    assert account.aws.lived == ["1"]


def test_a_change_set_that_is_still_being_made_is_waited_for(
    account: Account, bundle: Make
) -> None:
    account.deploy(bundle("one"))
    account.aws.calls.clear()
    account.deploy(bundle("two"))
    at = account.aws.calls.index("CreateChangeSet") + 1
    account.aws.calls.clear()
    account.aws.fault = ("drop after", at)
    assert account.deploy(bundle("three")).returncode == 1
    account.aws.fault = None
    account.aws.drafts_for = 2

    done = account.deploy(bundle("three"))

    assert done.returncode == 0, done.stderr
    assert account.aws.live(STACK) == "3"


def test_a_first_version_that_does_not_answer_makes_no_endpoint(
    account: Account, bundle: Make
) -> None:
    assert account.deploy(bundle("one", status=503)).returncode == 3
    assert account.aws.live(STACK) is None

    done = account.deploy(bundle("two"))

    assert done.returncode == 0, done.stderr
    assert account.aws.lived == ["2"]


def test_deploying_the_same_again_changes_and_uploads_nothing(
    account: Account, bundle: Make
) -> None:
    folder = bundle("one")
    account.deploy(folder)
    account.aws.calls.clear()

    done = account.deploy(folder, "--json")

    assert json.loads(done.stdout)["is_changed"] is False
    assert "ExecuteChangeSet" not in account.aws.calls
    assert not [call for call in account.aws.calls if call.startswith("PUT")]


def test_parameters_stay_and_only_what_a_version_keeps_publishes_one(
    account: Account, bundle: Make
) -> None:
    folder = bundle("one")
    account.deploy(folder, "--parameter", "MemorySize=3008")

    slower = account.deploy(folder, "--parameter", "ThrottlingRate=5")
    assert slower.returncode == 0, slower.stderr
    assert account.aws.live(STACK) == "1"
    larger = account.deploy(folder, "--parameter", "MemorySize=4096")
    assert larger.returncode == 0, larger.stderr
    assert account.aws.lived == ["1", "2"]
    parameters = account.parameters(STACK)
    assert (parameters["ThrottlingRate"], parameters["MemorySize"]) == ("5", "4096")


def test_a_canary_that_an_alarm_stops_is_taken_back_and_tried_again(
    account: Account, bundle: Make
) -> None:
    account.deploy(bundle("one"), "--parameter", "Deployment=Canary10Percent5Minutes")
    account.aws.alarm_rings = True

    stopped = account.deploy(bundle("two"))

    assert stopped.returncode == 1
    assert "UPDATE_ROLLBACK_COMPLETE" in stopped.stderr
    assert "an alarm rang" in stopped.stderr
    assert account.aws.live(STACK) == "1"
    account.aws.alarm_rings = False
    again = account.deploy(bundle("two"))
    assert again.returncode == 0, again.stderr
    assert account.aws.live(STACK) == "2"


def test_a_rollback_needs_no_leave_of_an_alarm_that_rings(account: Account, bundle: Make) -> None:
    account.deploy(bundle("one"), "--parameter", "Deployment=Canary10Percent5Minutes")
    account.deploy(bundle("two"))
    before = account.parameters(STACK)
    account.aws.alarm_rings = True

    back = account.packager("rollback", "--stack", STACK, "--yes", "--json")

    assert back.returncode == 0, back.stderr
    assert json.loads(back.stdout)["live_version"] == "1"
    assert account.aws.live(STACK) == "1"
    assert account.parameters(STACK) == before | {"LiveVersion": "1"}
    stopped = account.deploy(bundle("two"))
    assert "UPDATE_ROLLBACK_COMPLETE" in stopped.stderr, "traffic goes over in steps again"


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


def test_what_is_kept_ready_changes_with_the_live_version(account: Account, bundle: Make) -> None:
    account.deploy(bundle("one"), "--parameter", "ProvisionedConcurrency=2")

    broken = account.deploy(bundle("two", status=500), "--parameter", "ProvisionedConcurrency=5")
    assert broken.returncode == 3
    assert account.parameters(STACK)["ProvisionedConcurrency"] == "2"
    done = account.deploy(bundle("three"), "--parameter", "ProvisionedConcurrency=5")
    assert done.returncode == 0, done.stderr
    assert account.parameters(STACK)["ProvisionedConcurrency"] == "5"
    alone = account.deploy(bundle("three"), "--parameter", "ProvisionedConcurrency=7")
    assert alone.returncode == 0, alone.stderr
    assert account.parameters(STACK)["ProvisionedConcurrency"] == "7"
    assert account.aws.lived == ["1", "3"]


def test_a_rollback_keeps_everything_but_the_live_version(account: Account, bundle: Make) -> None:
    account.deploy(bundle("one"))
    account.deploy(bundle("two"), "--parameter", "AlarmErrors=3")
    before = account.parameters(STACK)

    done = account.packager("rollback", "--stack", STACK, "--yes", "--json")

    assert json.loads(done.stdout)["live_version"] == "1"
    assert account.parameters(STACK) == before | {"LiveVersion": "1"}
    further = account.packager("rollback", "--stack", STACK, "--yes")
    assert further.returncode == 2
    assert "no version before" in further.stderr
    forward = account.deploy(bundle("two"))
    assert forward.returncode == 0, forward.stderr
    assert account.aws.lived == ["1", "2", "1", "2"]


def test_status_says_what_is_live_and_what_is_not(account: Account, bundle: Make) -> None:
    account.deploy(bundle("one"))
    account.deploy(bundle("two", status=500))

    done = account.packager("status", "--stack", STACK, "--json")

    report = json.loads(done.stdout)
    assert report["live_version"] == "1"
    assert report["versions"] == ["1", "2"]
    assert report["proven"] == ["1"]
    assert report["change_sets"] == []
    assert report["stored"] == f"s3://{BUCKET}/packager/{STACK}/"
    text = account.packager("status", "--stack", STACK).stdout
    assert "version     2: not live, not proven" in text
    assert "version     1: live, proven" in text


def test_destroy_deletes_the_stack_and_names_what_stays(account: Account, bundle: Make) -> None:
    account.deploy(bundle("one"))

    done = account.packager("destroy", "--stack", STACK, "--yes")

    assert done.returncode == 0, done.stderr
    assert f"stays     s3://{BUCKET}/packager/{STACK}/" in done.stdout
    assert account.packager("status", "--stack", STACK).returncode == 2
    again = account.packager("destroy", "--stack", STACK, "--yes")
    assert (again.returncode, again.stdout) == (
        0,
        f"there is no stack {STACK} in {REGION}: nothing was deleted\n",
    )
    assert account.deploy(bundle("one")).returncode == 0


def test_a_place_that_another_stack_uses_too_is_not_to_be_removed(
    account: Account, bundle: Make
) -> None:
    account.deploy(bundle("one"))
    place = ("--bucket", BUCKET, "--prefix", f"packager/{STACK}")
    other = account.packager("deploy", bundle("two"), "--stack", "other", *place, "--yes")
    assert other.returncode == 0, other.stderr

    shared = account.packager("destroy", "--stack", STACK, "--yes")
    assert "aws s3 rm" not in shared.stdout


def test_no_line_that_would_remove_other_stacks_models_is_printed(
    account: Account, bundle: Make
) -> None:
    account.deploy(bundle("one"), "--prefix", "packager")

    done = account.packager("destroy", "--stack", STACK, "--yes")

    assert f"stays     s3://{BUCKET}/packager/" in done.stdout
    assert "aws s3 rm" not in done.stdout


@pytest.mark.parametrize("place", [["--prefix", r"models\mine"], ["--bucket", "s3://my-models"]])
def test_a_place_that_is_none_is_refused(account: Account, bundle: Make, place: list[str]) -> None:
    done = account.deploy(bundle("one"), "--dry-run", *place)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_bucket_of_another_region_is_refused_before_anything_is_sent(
    account: Account, bundle: Make
) -> None:
    client = boto3.client("s3", endpoint_url=account.url, region_name="eu-west-1")
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


def test_the_same_value_in_another_form_publishes_nothing(account: Account, bundle: Make) -> None:
    folder = bundle("one")
    vpc = ("--parameter", "VpcSecurityGroupIds=sg-1", "--parameter")
    account.deploy(folder, "--parameter", "MemorySize=3008", *vpc, "VpcSubnetIds=subnet-1,subnet-2")

    done = account.deploy(
        folder, "--parameter", "MemorySize=03008", *vpc, "VpcSubnetIds=subnet-2, subnet-1"
    )

    assert done.returncode == 0, done.stderr
    assert account.aws.lived == ["1"]


def test_no_version_is_more_than_the_function_may_be_at_any_time(
    account: Account, bundle: Make
) -> None:
    both = "--parameter ProvisionedConcurrency={} --parameter ReservedConcurrency={}"
    account.deploy(bundle("one"), *both.format(10, 20).split())
    account.deploy(bundle("two", status=500), *both.format(3, 5).split())

    kept = account.parameters(STACK)
    assert (kept["ProvisionedConcurrency"], kept["ReservedConcurrency"]) == ("3", "20")
    done = account.deploy(bundle("three"), *both.format(3, 5).split())
    assert done.returncode == 0, done.stderr
    kept = account.parameters(STACK)
    assert (kept["ProvisionedConcurrency"], kept["ReservedConcurrency"]) == ("3", "5")


def test_a_dry_run_prints_the_plan_and_writes_nothing(account: Account, bundle: Make) -> None:
    done = account.packager(
        "deploy", bundle("one"), "--stack", STACK, "--bucket", BUCKET, "--dry-run"
    )

    assert done.returncode == 0, done.stderr
    assert f"stack     {STACK} (to be created)" in done.stdout
    assert account.aws.calls == ["DescribeStacks", f"HEAD /{BUCKET}"]


def test_nothing_is_asked_without_a_terminal(account: Account, bundle: Make) -> None:
    deploy = ("deploy", bundle("one"), "--stack", STACK, "--bucket", BUCKET)
    for args in (deploy, ("rollback", "--stack", STACK), ("destroy", "--stack", STACK)):
        done = account.packager(*args)
        assert done.returncode == 2
        assert "--yes" in done.stderr
    assert account.aws.calls == []


def test_a_stack_of_something_else_is_left_alone(account: Account, bundle: Make) -> None:
    client = boto3.client("cloudformation", endpoint_url=account.url, region_name=REGION)
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
    client = boto3.client("cloudformation", endpoint_url=account.url, region_name=REGION)
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


def test_what_a_failed_creation_left_is_deleted_and_made_again(
    account: Account, bundle: Make
) -> None:
    account.deploy(bundle("one", status=500))
    account.aws.stack(STACK).status = "ROLLBACK_COMPLETE"

    done = account.deploy(bundle("two"))

    assert done.returncode == 0, done.stderr
    assert "its creation failed" in done.stderr
    assert account.aws.calls.count("DeleteStack") == 1
    assert account.aws.lived == ["1"]


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
        ("ProvisionedConcurrency=five", "it takes a whole number"),
        ("ProvisionedConcurrency=", "it takes a whole number"),
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
