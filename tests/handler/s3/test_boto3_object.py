"""What is left to boto3, and what never needs it."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from handler.errors import ModelFetchError
from handler.s3.source import open_object
from tests.support.object_server import Exchange

from .s3_asking import DATA, Serve, cut, read

pytestmark = pytest.mark.usefixtures("aws_environment", "no_pauses")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_PROFILE", "default"),
        ("http_proxy", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
    ],
)
def test_settings_beyond_us_are_boto3s(
    s3: object,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    name: str,
    value: str,
) -> None:
    s3.put_object(Bucket="models", Key="model.zip", Body=b"0123456789")  # type: ignore[attr-defined]
    (tmp_path / "credentials").write_text("[default]\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv(name, value)
    assert read() == b"0123456789"
    assert read(2, 5) == b"234"
    assert read(10, 12) == b""
    assert "fetched by boto3, which takes longer: " in caplog.text


def test_a_shared_configuration_file_is_boto3s_to_read(
    s3: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    s3.put_object(Bucket="models", Key="model.zip", Body=b"0123456789")  # type: ignore[attr-defined]
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default]\nregion = eu-west-1\n")
    (tmp_path / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = a\naws_secret_access_key = b\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert read() == b"0123456789"


def test_boto3_refuses_a_replaced_object_too(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    serve(Exchange.serve, lambda exchange: exchange.serve(etag='"2"'))
    with open_object("models", "model.zip") as source:
        assert b"".join(map(bytes, source.read(0, 10))) == DATA[:10]
        with pytest.raises(ModelFetchError, match="the object was replaced while it was read"):
            list(source.read(10, 20))


def test_boto3_too_names_a_connection_that_breaks(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    serve(*[cut] * 9)
    with pytest.raises(ModelFetchError, match="the connection to S3 broke or timed out"):
        read()


def test_boto3_too_names_an_s3_that_is_down(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(ModelFetchError, match="S3 cannot be reached"):
            read()


def test_a_web_identity_is_boto3s(
    in_a_container: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    in_a_container()  # boto3 would look there later
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(ModelFetchError, match=r"InvalidConfigError; check MODEL_BUCKET"):
        read()


FETCHES_WITHOUT_BOTO3 = """
import sys
from handler.s3.source import open_object
with open_object("models", "model.zip") as source:
    print(sum(map(len, source.read(0, None))))
print(sorted({"boto3", "botocore", "http.client", "email", "ssl"} & set(sys.modules)))
"""


def test_a_plain_fetch_imports_neither_boto3_nor_an_http_library(serve: Serve) -> None:
    serve()
    done = subprocess.run(
        [sys.executable, "-c", FETCHES_WITHOUT_BOTO3],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.splitlines() == [str(len(DATA)), "[]"], done.stderr
