"""Faults at every call in turn: the same command again always comes to the end."""

from collections.abc import Callable
from pathlib import Path

import pytest

from packager.bundle import read_bundle
from packager.deploy.clients import Clients, make_clients
from packager.deploy.story import deploy
from packager.errors import PackagerError
from packager.progress import SILENT
from tests.deploy.aws import Kind
from tests.deploy.conftest import BUCKET, STACK, Account

Make = Callable[..., Path]
KINDS: tuple[Kind, ...] = ("500", "drop before", "drop after")
MOST_CALLS = 100


@pytest.fixture(autouse=True)
def _account_of_this_process(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.url)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.fixture
def clients(_account_of_this_process: None) -> Clients:
    return make_clients()


def deploy_here(clients: Clients, folder: Path) -> None:
    """Do what the command does, without the second that its process takes."""
    deploy(
        clients,
        read_bundle(folder),
        STACK,
        BUCKET,
        f"packager/{STACK}",
        {},
        approve=lambda changes: True,
        progress=SILENT,
    )


def is_well(account: Account, version: str) -> bool:
    return (
        account.aws.live(STACK) == version
        and set(account.aws.lived) <= account.aws.answered
        and account.pending(STACK) == []
    )


@pytest.mark.parametrize("kind", KINDS[-1:])
def test_a_first_deployment_that_broke_at_any_call_ends_when_it_is_run_again(
    account: Account, clients: Clients, bundle: Make, kind: Kind
) -> None:
    folder = bundle("one")
    broken_at = []
    for at in range(1, MOST_CALLS):
        account.reset()
        account.aws.fault = (kind, at)
        try:
            deploy_here(clients, folder)
        except PackagerError:
            broken_at.append(account.aws.calls[at - 1])
        else:
            assert len(account.aws.calls) < at, "a fault that nobody met"
            break
        assert account.aws.live_or_none(STACK) in (None, "1")
        account.aws.fault = None
        deploy_here(clients, folder)
        assert is_well(account, "1")
    assert broken_at.count("CreateChangeSet") == broken_at.count("ExecuteChangeSet") == 2


@pytest.mark.parametrize("kind", KINDS)
def test_an_update_that_broke_at_any_call_leaves_a_tested_version_live(
    account: Account, clients: Clients, bundle: Make, kind: Kind
) -> None:
    folders = [bundle("one"), bundle("two")]
    deploy_here(clients, folders[0])
    broken_at = []
    for at in range(1, MOST_CALLS):
        before = account.aws.live(STACK)
        account.aws.calls.clear()
        account.aws.fault = (kind, at)
        try:
            deploy_here(clients, folders[at % 2])
        except PackagerError:
            broken_at.append(account.aws.calls[at - 1])
        else:
            assert len(account.aws.calls) < at, "a fault that nobody met"
            break
        assert account.aws.live(STACK) in (before, str(at + 1))
        account.aws.fault = None
        deploy_here(clients, folders[at % 2])
        assert is_well(account, str(at + 1))
    assert broken_at.count("CreateChangeSet") == broken_at.count("ExecuteChangeSet") == 2


def test_an_update_that_was_killed_at_any_call_ends_when_it_is_run_again(
    account: Account, clients: Clients, bundle: Make
) -> None:
    folders = [bundle("one"), bundle("two")]
    deploy_here(clients, folders[0])
    killed_at = []
    for at in range(1, MOST_CALLS):
        account.aws.calls.clear()
        account.aws.fault = ("kill", at)
        if account.deploy(folders[at % 2]).returncode == 0:
            break
        killed_at.append(account.aws.calls[at - 1])
        account.aws.fault = None
        deploy_here(clients, folders[at % 2])
        assert is_well(account, str(at + 1))
    assert killed_at.count("CreateChangeSet") == killed_at.count("ExecuteChangeSet") == 2


@pytest.mark.parametrize("kind", KINDS[-1:])
def test_a_rollback_and_a_deletion_that_broke_at_any_call_end_when_they_are_run_again(
    account: Account, clients: Clients, bundle: Make, kind: Kind
) -> None:
    deploy_here(clients, bundle("one"))
    deploy_here(clients, bundle("two"))
    for command in ("rollback", "destroy"):
        args = [command, "--stack", STACK, "--yes"]
        if command == "rollback":
            args += ["--to", "1"]
        done = None
        for at in range(1, MOST_CALLS):
            account.aws.calls.clear()
            account.aws.fault = (kind, at)
            done = account.packager(*args)
            assert "Traceback" not in done.stderr, done.stderr
            if len(account.aws.calls) < at:
                break
            if command == "rollback":
                assert account.aws.live(STACK) in ("1", "2")
        assert done is not None
        assert done.returncode == 0, done.stderr
        account.aws.fault = None
        if command == "rollback":
            assert is_well(account, "1")
    assert account.packager("status", "--stack", STACK).returncode == 2
