"""Faults at every call in turn, and late ones: the same command again always comes to the end."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from packager.bundle.folder import read_bundle
from packager.deploying.clients import Clients, make_clients
from packager.deploying.removal import destroy
from packager.deploying.rollback import roll_back
from packager.deploying.story import deploy
from packager.errors import PackagerError
from packager.progress import LOGGED
from tests.deploy.aws import Kind
from tests.deploy.conftest import BUCKET, STACK, Account, Make

KINDS: tuple[Kind, ...] = ("500", "drop before", "drop after", "kill")
MOST_CALLS = 100
CANARY = {"Deployment": "Canary10Percent5Minutes"}


@pytest.fixture(autouse=True)
def _account_of_this_process(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.url)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.fixture
def clients(_account_of_this_process: None) -> Clients:
    return make_clients()


class Commands:
    """The commands; in a process of their own only where that is to be killed."""

    def __init__(self, account: Account, clients: Clients) -> None:
        self._account = account
        self._clients = clients

    def deploy(self, folder: Path, parameters: Mapping[str, str] = {}) -> None:
        if self._is_to_be_killed:
            words = [
                word for item in parameters.items() for word in ("--parameter", "=".join(item))
            ]
            return self._run("deploy", folder, "--bucket", BUCKET, *words)
        bundle = read_bundle(folder)
        deploy(
            self._clients,
            bundle,
            STACK,
            BUCKET,
            f"packager/{STACK}",
            parameters,
            approve=lambda changes: True,
            progress=LOGGED,
            pause=lambda: None,
        )
        return None

    def roll_back(self, to: str | None) -> None:
        if self._is_to_be_killed:
            return self._run("rollback", *(("--to", to) if to else ()))
        roll_back(
            self._clients,
            STACK,
            to=to,
            approve=lambda changes: True,
            progress=LOGGED,
            pause=lambda: None,
        )
        return None

    def destroy(self) -> None:
        if self._is_to_be_killed:
            return self._run("destroy")
        destroy(
            self._clients,
            STACK,
            approve=lambda: True,
            progress=LOGGED,
            pause=lambda: None,
        )
        return None

    @property
    def _is_to_be_killed(self) -> bool:
        return self._account.aws.fault is not None and self._account.aws.fault[0] == "kill"

    def _run(self, command: str, *args: str | Path) -> None:
        done = self._account.packager(command, *args, "--stack", STACK, "--yes")
        if done.returncode != 0:
            raise PackagerError(done.stderr)


@pytest.fixture
def commands(account: Account, clients: Clients) -> Commands:
    return Commands(account, clients)


def broken_at(
    account: Account,
    kind: Kind,
    command: Callable[[int], None],
    *,
    before: Callable[[], None] = lambda: None,
    between: Callable[[int], None] = lambda at: None,
    after: Callable[[int], None],
) -> list[str]:
    """Return the calls at which the command broke: each in turn, until it met no fault.

    :param command: is given the number of the call that breaks.
    :param between: looks at what the broken command left.
    :param after: looks at what the same command made of it.
    """
    calls = []
    for at in range(1, MOST_CALLS):
        before()
        account.aws.calls.clear()
        account.aws.fault = (kind, at)
        try:
            command(at)
        except PackagerError:
            calls.append(account.aws.calls[at - 1])
            account.aws.fault = None
            between(at)
            command(at)
        else:
            if len(account.aws.calls) < at:
                account.aws.fault = None
                return calls
            account.aws.fault = None
        after(at)
    raise AssertionError("the command never ends")


def is_well(account: Account, version: str) -> bool:
    return (
        not [item for item in account.aws.proven(STACK) if int(item) > int(version)]
        and account.aws.live(STACK) == version
        and set(account.aws.lived) <= account.aws.answered
        and account.pending(STACK) == []
    )


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_a_change_that_begins_late_is_waited_for(
    account: Account, commands: Commands, bundle: Make, calls: int
) -> None:
    account.aws.begins_after = calls
    for name, version in (("one", "1"), ("two", "2")):
        commands.deploy(bundle(name))

        assert is_well(account, version)


@pytest.mark.parametrize("kind", KINDS)
def test_a_first_deployment_that_broke_at_any_call_ends_when_it_is_run_again(
    account: Account, commands: Commands, bundle: Make, kind: Kind
) -> None:
    folder = bundle("one")

    def is_untested_or_live(at: int) -> None:
        assert account.aws.live_or_none(STACK) in (None, "1")

    def is_live(at: int) -> None:
        assert is_well(account, "1")

    calls = broken_at(
        account,
        kind,
        lambda at: commands.deploy(folder),
        before=account.reset,
        between=is_untested_or_live,
        after=is_live,
    )
    assert calls.count("CreateChangeSet") == calls.count("ExecuteChangeSet") == 2


@pytest.mark.parametrize(
    ("kind", "parameters"), [("drop after", {}), *((kind, CANARY) for kind in KINDS)]
)
def test_an_update_that_broke_at_any_call_leaves_a_tested_version_live(
    account: Account, commands: Commands, bundle: Make, kind: Kind, parameters: dict[str, str]
) -> None:
    folders = [bundle("one"), bundle("two")]
    commands.deploy(folders[0], parameters)
    lives = ["1"]

    def is_old_or_new(at: int) -> None:
        assert account.aws.live(STACK) in (lives[-1], str(at + 1))

    def is_new(at: int) -> None:
        assert is_well(account, str(at + 1))
        assert str(at + 1) in account.aws.proven(STACK)
        lives.append(str(at + 1))

    calls = broken_at(
        account,
        kind,
        lambda at: commands.deploy(folders[at % 2]),
        between=is_old_or_new,
        after=is_new,
    )
    assert calls.count("CreateChangeSet") == calls.count("ExecuteChangeSet") == 2


@pytest.mark.parametrize(
    ("kind", "parameters"), [*((kind, {}) for kind in KINDS), ("drop after", CANARY)]
)
def test_a_rollback_that_broke_at_any_call_ends_when_it_is_run_again(
    account: Account, commands: Commands, bundle: Make, kind: Kind, parameters: dict[str, str]
) -> None:
    commands.deploy(bundle("one"), parameters)
    commands.deploy(bundle("two"))

    def is_one_of_both(at: int) -> None:
        assert account.aws.live(STACK) in ("1", "2")

    def is_the_other(at: int) -> None:
        assert is_well(account, "12"[at % 2])

    calls = broken_at(
        account,
        kind,
        lambda at: commands.roll_back("12"[at % 2]),
        between=is_one_of_both,
        after=is_the_other,
    )
    assert "ExecuteChangeSet" in calls
    assert account.parameters(STACK)["RollsBack"] == "false"


# Killed after its last call it has said nothing, and has done everything.
@pytest.mark.parametrize(
    ("kind", "parameters"),
    [*((kind, {}) for kind in KINDS if kind != "kill"), ("drop after", CANARY)],
)
def test_a_rollback_to_the_version_before_goes_no_further_when_it_is_run_again(
    account: Account, commands: Commands, bundle: Make, kind: Kind, parameters: dict[str, str]
) -> None:
    folders = [bundle(name) for name in ("one", "two")]
    lives = ["0"]

    def two_more() -> None:
        for folder in folders:
            commands.deploy(folder, parameters)
        lives.append(str(int(lives[-1]) + 2))

    def is_the_one_before(at: int) -> None:
        assert account.aws.live(STACK) == str(int(lives[-1]) - 1)
        assert account.pending(STACK) == []

    calls = broken_at(
        account,
        kind,
        lambda at: commands.roll_back(None),
        before=two_more,
        after=is_the_one_before,
    )
    assert "ExecuteChangeSet" in calls
    commands.deploy(folders[1])
    assert is_well(account, lives[-1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_deletion_that_broke_at_any_call_ends_when_it_is_run_again(
    account: Account, commands: Commands, bundle: Make, kind: Kind
) -> None:
    folder = bundle("one")

    def is_gone(at: int) -> None:
        assert account.packager("status", "--stack", STACK).returncode == 2

    def is_there() -> None:
        account.reset()  # moto can keep a deleted stack's log group, and then makes no second one
        commands.deploy(folder)

    calls = broken_at(account, kind, lambda at: commands.destroy(), before=is_there, after=is_gone)
    assert "DeleteStack" in calls
