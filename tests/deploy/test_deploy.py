"""From the bundle to live traffic and back, by the commands, against moto."""

import dataclasses
import json
from pathlib import Path

import pytest

from tests.deploy.aws import REGION
from tests.deploy.conftest import BUCKET, INFO, STACK, Account, Make


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


def test_a_made_up_row_that_a_model_refuses_is_replaced_by_an_event(
    account: Account, bundle: Make, tmp_path: Path
) -> None:
    signature = {"inputs": [{"type": "string", "name": "city"}]}
    unknown = dataclasses.replace(INFO, input_example=None, signature=signature)
    answer = "{'statusCode': 200 if 'ok' in event else 400}"
    folder = bundle("one", info=unknown, answer=answer)
    event = tmp_path / "event.json"

    refused = account.deploy(folder)
    assert refused.returncode == 3
    assert "made up from the signature" in refused.stderr
    assert "`packager deploy --event`" in refused.stderr
    event.write_text("{")
    assert account.deploy(folder, "--event", str(event)).returncode == 2
    event.write_text('{"ok": 1}')
    done = account.deploy(folder, "--event", str(event))
    assert done.returncode == 0, done.stderr
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

    slower = account.deploy(folder, "--parameter", "ThrottlingRate=2.5")
    assert slower.returncode == 0, slower.stderr
    assert account.aws.live(STACK) == "1"
    larger = account.deploy(folder, "--parameter", "MemorySize=4096")
    assert larger.returncode == 0, larger.stderr
    assert account.aws.lived == ["1", "2"]
    parameters = account.parameters(STACK)
    assert (parameters["ThrottlingRate"], parameters["MemorySize"]) == ("2.5", "4096")


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


@pytest.mark.parametrize("prefix", [f"packager/{STACK}", f"packager/{STACK}/below"])
@pytest.mark.parametrize("model", [b"a model", None])
def test_a_place_that_another_stack_uses_too_is_not_to_be_removed(
    account: Account, bundle: Make, prefix: str, model: bytes | None
) -> None:
    account.deploy(bundle("one", model=model))
    place = ("--bucket", BUCKET, "--prefix", prefix)
    other = account.packager("deploy", bundle("two"), "--stack", "other", *place, "--yes")
    assert other.returncode == 0, other.stderr

    shared = account.packager("destroy", "--stack", STACK, "--yes")

    assert shared.returncode == 0, shared.stderr
    assert "aws s3 rm" not in shared.stdout


def test_a_whole_bucket_is_not_to_be_removed(account: Account, bundle: Make) -> None:
    account.packager(
        "deploy", bundle("one"), "--stack", BUCKET, "--bucket", BUCKET, "--prefix", "", "--yes"
    )

    done = account.packager("destroy", "--stack", BUCKET, "--yes")

    assert f"stays     s3://{BUCKET}/\n" in done.stdout
    assert "aws s3 rm" not in done.stdout


def test_no_line_that_would_remove_other_stacks_models_is_printed(
    account: Account, bundle: Make
) -> None:
    account.deploy(bundle("one"), "--prefix", "packager")

    done = account.packager("destroy", "--stack", STACK, "--yes")

    assert f"stays     s3://{BUCKET}/packager/" in done.stdout
    assert "aws s3 rm" not in done.stdout


def test_the_same_value_in_another_form_publishes_nothing(account: Account, bundle: Make) -> None:
    folder = bundle("one")
    vpc = ("--parameter", "VpcSecurityGroupIds=sg-1", "--parameter")
    account.deploy(folder, "--parameter", "MemorySize=3008", *vpc, "VpcSubnetIds=subnet-1,subnet-2")

    done = account.deploy(
        folder, "--parameter", "MemorySize=3008.0", *vpc, "VpcSubnetIds=subnet-2, subnet-1"
    )

    assert done.returncode == 0, done.stderr
    assert account.aws.lived == ["1"]


def test_what_a_first_attempt_said_of_the_api_is_forgotten(account: Account, bundle: Make) -> None:
    account.deploy(
        bundle("one", status=500), "--parameter", "Auth=NONE", "--parameter", "Timeout=9"
    )

    done = account.deploy(bundle("two"))

    assert done.returncode == 0, done.stderr
    parameters = account.parameters(STACK)
    assert (parameters["Auth"], parameters["Timeout"]) == ("AWS_IAM", "9")


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
