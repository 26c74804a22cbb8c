"""The way back, by the command, against moto."""

import json

from tests.deploy.conftest import STACK, Account, Make


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
