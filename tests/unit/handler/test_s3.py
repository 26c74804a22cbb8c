"""One object out of an S3 that misbehaves."""

import datetime
import ipaddress
import itertools
import json
import logging
import random
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from handler import credentials, s3
from handler.errors import ModelFetchError
from handler.source import open_object

from .object_server import Exchange, Mishap, ObjectServer, object_server

DATA = random.Random(5).randbytes(3_000_000)
Serve = Callable[..., ObjectServer]

pytestmark = pytest.mark.usefixtures("aws_environment")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_PAUSE_S", 0.001)
    monkeypatch.setattr(credentials, "_PAUSE_S", 0.001)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start an S3 with these mishaps, and let the environment point to it."""
    running = []

    def start(*mishaps: Mishap, data: bytes = DATA) -> ObjectServer:
        context = object_server(data, *mishaps)
        server = context.__enter__()
        running.append(context)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
        return server

    yield start
    for context in running:
        context.__exit__(None, None, None)


def read(start: int = 0, stop: int | None = None, key: str = "model.zip") -> bytes:
    with open_object("models", key) as source:
        return b"".join(map(bytes, source.read(start, stop)))


def refuse(status: int, code: str, **headers: str) -> Mishap:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return lambda exchange: exchange.refuse(status, code, named)


def cut(exchange: Exchange) -> None:
    exchange.serve(cut_bytes=1_000_000)


def hang_up(exchange: Exchange) -> None:
    exchange.close_connection = True


def no_http(exchange: Exchange) -> None:
    exchange.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    exchange.close_connection = True


@pytest.mark.parametrize(
    "mishap",
    [
        hang_up,
        no_http,
        refuse(500, "InternalError"),
        refuse(503, "SlowDown"),
        refuse(503, "ServiceUnavailable"),
        refuse(429, "TooManyRequests"),
        refuse(400, "RequestTimeout"),
    ],
)
def test_what_passes_is_tried_again(serve: Serve, mishap: Mishap) -> None:
    server = serve(mishap, mishap)
    assert read() == DATA
    assert len(server.requests) == 3


def test_a_body_that_breaks_off_is_resumed_where_it_broke(serve: Serve) -> None:
    server = serve(cut, cut)
    assert read() == DATA
    begins = [0, *(int(text[6:-1]) for text in server.ranges[1:])]
    assert begins == [0, 2_000_000, 2_000_000]
    assert [headers.get("if-match") for headers in server.requests] == [None, '"1"', '"1"']


def test_a_range_that_breaks_off_is_resumed_within_it(serve: Serve) -> None:
    server = serve(cut)
    assert read(500_000, 2_500_000) == DATA[500_000:2_500_000]
    assert server.ranges == ["bytes=500000-2499999", "bytes=1500000-2499999"]


def test_a_server_that_knows_no_ranges_still_gives_the_right_bytes(serve: Serve) -> None:
    def whole(exchange: Exchange) -> None:
        del exchange.headers["Range"]
        exchange.serve()

    serve(cut, whole, whole)
    assert read() == DATA
    assert read(1_700_000, 1_700_010) == DATA[1_700_000:1_700_010]


def test_the_tries_come_to_an_end(serve: Serve) -> None:
    server = serve(*[refuse(503, "SlowDown")] * 50)
    with pytest.raises(ModelFetchError, match=r"s3://models/model\.zip: S3 answered SlowDown"):
        read()
    assert len(server.requests) < 6


def test_a_server_that_is_silent_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_READ_TIMEOUT_S", 0.05)
    server = serve(*[lambda _: time.sleep(0.5)] * 50)
    with pytest.raises(ModelFetchError, match="the connection to S3 broke or timed out"):
        read()
    assert len(server.requests) < 6


def test_no_try_begins_after_the_time_for_it(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_TRY_AGAIN_S", 0.0)
    server = serve(hang_up)
    with pytest.raises(ModelFetchError, match="broke or timed out"):
        read()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "code", ["AccessDenied", "NoSuchKey", "ExpiredToken", "InvalidAccessKeyId"]
)
def test_a_refusal_is_final(serve: Serve, code: str) -> None:
    server = serve(refuse(403, code))
    with pytest.raises(ModelFetchError):
        read()
    assert len(server.requests) == 1


def test_an_object_that_is_replaced_in_between_is_refused(serve: Serve) -> None:
    serve(cut, lambda exchange: exchange.serve(etag='"2"'))
    with pytest.raises(ModelFetchError, match="the object was replaced while it was read"):
        read()


def test_a_server_that_ignores_the_condition_is_found_out(serve: Serve) -> None:
    def other(exchange: Exchange) -> None:
        del exchange.headers["If-Match"]
        exchange.serve(etag='"2"', data=bytes(len(DATA)))

    serve(cut, other)
    with pytest.raises(ModelFetchError, match="the object was replaced while it was read"):
        read()


def test_an_answer_for_another_range_is_not_taken(serve: Serve) -> None:
    def other(exchange: Exchange) -> None:
        exchange.headers.replace_header("Range", "bytes=0-9")
        exchange.serve()

    serve(other)
    assert read(10, 20) == DATA[10:20]


def test_a_range_behind_the_end_is_empty(serve: Serve) -> None:
    serve()
    assert read(len(DATA), len(DATA) + 10) == b""
    assert read(len(DATA) - 5, len(DATA) + 10) == DATA[-5:]


def test_the_size_of_the_whole_is_known_from_any_answer(serve: Serve) -> None:
    serve()
    for bounds in ((0, None), (5, 10)):
        with open_object("models", "model.zip") as source:
            assert source.size_bytes is None
            next(source.read(*bounds))
            assert source.size_bytes == len(DATA)


def test_one_connection_serves_one_range_after_the_other(serve: Serve) -> None:
    ports = set()

    def note(exchange: Exchange) -> None:
        ports.add(exchange.client_address[1])
        exchange.serve()

    serve(*[note] * 5)
    with open_object("models", "model.zip") as source:
        pieces = [bytes(b"".join(map(bytes, source.read(i, i + 10)))) for i in range(5)]
    assert pieces == [DATA[i : i + 10] for i in range(5)]
    assert len(ports) == 1


@pytest.mark.parametrize(
    "mishap",
    [
        refuse(301, "PermanentRedirect", x_amz_bucket_region="eu-central-1"),
        refuse(307, "TemporaryRedirect", x_amz_bucket_region="eu-central-1"),
        lambda exchange: exchange.refuse(
            400, "AuthorizationHeaderMalformed", more="<Region>eu-central-1</Region>"
        ),
    ],
)
def test_a_bucket_in_another_region_is_asked_there(serve: Serve, mishap: Mishap) -> None:
    server = serve(mishap)
    assert read() == DATA
    scopes = [headers["authorization"].split("/")[2] for headers in server.requests]
    assert scopes == ["us-east-1", "eu-central-1"]


@pytest.mark.parametrize("region", ["us-east-1", "evil.example.com/", ""])
def test_a_redirect_to_nowhere_is_named(serve: Serve, region: str) -> None:
    server = serve(refuse(301, "PermanentRedirect", x_amz_bucket_region=region))
    with pytest.raises(ModelFetchError, match="S3 answered PermanentRedirect"):
        read()
    assert len(server.requests) == 1


def test_regions_that_point_to_each_other_come_to_an_end(serve: Serve) -> None:
    regions = itertools.cycle(["eu-central-1", "eu-west-1"])
    server = serve(
        *(refuse(301, "PermanentRedirect", x_amz_bucket_region=next(regions)) for _ in range(50))
    )
    with pytest.raises(ModelFetchError, match="S3 answered PermanentRedirect"):
        read()
    assert len(server.requests) < 6


def test_the_session_token_is_sent_and_signed(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the+token/==")
    server = serve()
    read()
    assert server.requests[0]["x-amz-security-token"] == "the+token/=="
    assert "x-amz-security-token" in server.requests[0]["authorization"]


def test_no_secret_is_in_an_error(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "tokensecret")
    caplog.set_level(logging.DEBUG)
    serve(*[hang_up] * 10)
    with pytest.raises(ModelFetchError) as caught:
        read()
    chain, error = [], caught.value
    while error is not None:
        chain.append(repr(error))
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    assert "secret" not in " ".join(chain) + caplog.text


def test_what_moto_stores_under_any_key_is_found(
    s3: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("a b+c/d.zip", "é/日本.zip", "a?b#c&d=e%41", "~'()*!$@,;:", "//a//b"):
        s3.put_object(Bucket="models", Key=key, Body=key.encode())  # type: ignore[attr-defined]
        assert read(key=key) == key.encode()
        assert read(0, 3, key=key) == key.encode()[:3]


# Where the credentials come from


@pytest.fixture
def in_a_container(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start an endpoint that gives credentials, as under SnapStart; there are no others."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    running = []

    def start(*mishaps: Mishap, document: object = None) -> ObjectServer:
        fields = {
            "AccessKeyId": "CONTAINERKEY",
            "SecretAccessKey": "container secret",
            "Token": "container token",
            "Expiration": "2030-01-01T00:00:00Z",
        }
        context = object_server(json.dumps(document or fields).encode(), *mishaps)
        server = context.__enter__()
        running.append(context)
        url = f"http://127.0.0.1:{server.server_port}/creds?id=1"
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
        return server

    yield start
    for context in running:
        context.__exit__(None, None, None)


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


# What boto3 still does


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
from handler.source import open_object
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


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signed itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.fixture
def serve_tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with object_server(DATA, cut, tls=context) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"https://127.0.0.1:{server.server_port}")
        yield server


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_a_bundle_of_certificates_decides_who_is_trusted(
    serve_tls: ObjectServer, certificate: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(name, str(certificate))
    assert read() == DATA
    assert len(serve_tls.requests) == 2  # it was cut, as the plain one


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(
    serve_tls: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    with pytest.raises(ModelFetchError, match=r"certificate is not trusted.*AWS_CA_BUNDLE"):
        read()
    assert serve_tls.requests == []


def test_a_server_that_speaks_no_tls_cannot_be_reached(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"https://127.0.0.1:{server.server_port}")
    with pytest.raises(ModelFetchError, match="S3 cannot be reached"):
        read()


def test_a_bundle_that_is_not_there_is_named(
    serve_tls: ObjectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with pytest.raises(ModelFetchError, match=r"bundle of certificates cannot be read.*AWS_CA"):
        read()
