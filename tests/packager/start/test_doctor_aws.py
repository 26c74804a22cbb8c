"""What `packager doctor` says of AWS's settings: from files and variables, AWS is not asked."""

import json
import os
from pathlib import Path

import pytest

from packager.start.doctor import Finding, examine

_SECRET = "EXAMPLEKEYthatNobodyMaySee"


@pytest.fixture(autouse=True)
def aws_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """AWS's config file, empty, and nothing of it in the environment."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path))  # no docker and no sam to ask
    config = tmp_path / "config"
    config.touch()
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("BOTO_CONFIG", str(tmp_path / "none"))
    return config


def findings() -> dict[str, Finding]:
    return {item.name: item for item in examine().findings}


def test_keys_in_the_environment_are_named_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", _SECRET)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", _SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", _SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")

    examined = examine()

    found = {item.name: item for item in examined.findings}
    assert found["AWS credentials"].status == found["AWS region"].status == "ok"
    assert "provider env, profile default" in found["AWS credentials"].detail
    assert found["AWS region"].detail == "eu-central-1"
    assert _SECRET not in json.dumps(examined.to_dict())


_KEYS = f"aws_access_key_id = {_SECRET}\naws_secret_access_key = {_SECRET}\n"
_SSO = (
    "sso_start_url = https://example.com/start\nsso_region = eu-west-1\n"
    "sso_account_id = 111122223333\nsso_role_name = reader\n"
)
_ROLE = "role_arn = arn:aws:iam::111122223333:role/r\n"


@pytest.mark.parametrize(
    ("settings", "provider", "is_asked"),
    [
        (_KEYS, "config-file", True),
        (_SSO, "sso", True),
        (f"{_ROLE}web_identity_token_file = /no/such\n", "assume-role-with-web-identity", True),
        # They would start a program or ask the network: named, and left alone.
        (f"{_ROLE}credential_source = Ec2InstanceMetadata\n", "assume-role", False),
        (f"{_ROLE}source_profile = other\n", "assume-role", False),
        ("credential_process = touch {marker}\n", "custom-process", False),
    ],
    ids=["keys", "sso", "web identity", "role of an instance", "role of a profile", "process"],
)
def test_the_provider_of_a_profile_is_named_without_asking_it(
    aws_files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: str,
    provider: str,
    is_asked: bool,
) -> None:
    marker = tmp_path / "ran"
    aws_files.write_text(f"[profile work]\nregion = eu-west-3\n{settings.format(marker=marker)}")
    monkeypatch.setenv("AWS_PROFILE", "work")

    examined = examine()

    found = {item.name: item for item in examined.findings}
    credentials = found["AWS credentials"]
    assert credentials.status == "ok"
    assert f"provider {provider}, profile work" in credentials.detail
    assert ("not asked for the keys" in credentials.detail) is not is_asked
    assert found["AWS region"].detail == "eu-west-3"
    assert not marker.exists()
    assert _SECRET not in json.dumps(examined.to_dict())


def test_the_role_of_a_container_is_named_without_asking_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Nobody listens there, and no test may reach further.
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/keys")

    assert "provider container-role" in findings()["AWS credentials"].detail


@pytest.mark.parametrize(
    "settings", ["", f"[profile work]\naws_access_key_id = {_SECRET}\n", "[profile work\n"]
)
def test_a_profile_that_is_not_there_or_broken_is_a_problem(
    aws_files: Path, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    aws_files.write_text(settings)
    monkeypatch.setenv("AWS_PROFILE", "work")

    credentials = findings()["AWS credentials"]

    assert credentials.status == "problem"
    assert "AWS_PROFILE" in (credentials.hint or "")
    assert _SECRET not in credentials.detail


def test_without_settings_both_are_missing_and_no_instance_is_asked_for_its_role() -> None:
    found = findings()

    assert found["AWS credentials"].status == found["AWS region"].status == "missing"
    assert "was not asked for" in found["AWS credentials"].detail


def test_a_region_in_the_variable_that_boto3_does_not_read_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    region = findings()["AWS region"]

    assert region.status == "problem"
    assert "boto3 reads AWS_DEFAULT_REGION only" in region.detail
