"""Where the credentials for S3 come from."""

from pathlib import Path

import pytest

from handler.errors import ModelFetchError
from handler.s3 import credentials

from .s3_asking import DATA, Serve, hang_up, read, refuse

pytestmark = pytest.mark.usefixtures("aws_environment", "no_pauses")


def test_credentials_come_from_the_container(
    serve: Serve, in_a_container: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc")
    endpoint, server = in_a_container(), serve()
    assert read() == DATA
    assert endpoint.paths == ["/creds?id=1"]
    assert endpoint.requests[0]["authorization"] == "Basic abc"
    assert "Credential=CONTAINERKEY/" in server.requests[0]["authorization"]
    assert server.requests[0]["x-amz-security-token"] == "container token"


def test_the_containers_token_may_be_in_a_file(
    serve: Serve, in_a_container: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from a file")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "not this one")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    endpoint, _ = in_a_container(), serve()
    assert read() == DATA
    assert endpoint.requests[0]["authorization"] == "from a file"


def test_a_container_may_be_named_by_a_path(
    serve: Serve, in_a_container: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    endpoint = in_a_container()
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials")
    monkeypatch.setattr(credentials, "_CONTAINER_HOST", f"127.0.0.1:{endpoint.server_port}")
    assert read() == DATA
    assert endpoint.paths == ["/v2/credentials"]


def test_a_missing_file_with_the_containers_token_is_named(
    serve: Serve, in_a_container: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "none"))
    serve()
    in_a_container()
    with pytest.raises(ModelFetchError, match="TOKEN_FILE cannot be read: No such file"):
        read()


def test_a_container_that_hesitates_is_asked_again(serve: Serve, in_a_container: Serve) -> None:
    serve()
    in_a_container(hang_up, refuse(500, "no"))
    assert read() == DATA


@pytest.mark.parametrize("document", [["no"], {"AccessKeyId": "k"}, {"Message": "secret"}])
def test_a_container_without_credentials_is_named(
    serve: Serve, in_a_container: Serve, document: object
) -> None:
    serve()
    in_a_container(document=document)
    with pytest.raises(ModelFetchError, match="there are no AWS credentials") as caught:
        read()
    assert "secret" not in str(caught.value)


def test_a_token_that_would_be_two_headers_is_refused(
    serve: Serve, in_a_container: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "secret\r\nhost: evil")
    serve()
    in_a_container()
    with pytest.raises(ModelFetchError, match="there are no AWS credentials") as caught:
        read()
    assert "secret" not in str(caught.value)


def test_no_other_host_is_told_the_containers_token(
    serve: Serve, in_a_container: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.example.com/creds")
    serve()
    with pytest.raises(ModelFetchError, match="a host that may not be asked"):
        read()
