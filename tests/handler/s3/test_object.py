"""One object out of an S3 that misbehaves."""

import itertools
import logging
import time

import pytest

from handler.errors import ModelFetchError
from handler.s3 import object as s3
from handler.s3.source import open_object
from tests.support.object_server import Exchange, Mishap

from .s3_asking import DATA, Serve, cut, hang_up, no_http, read, refuse

pytestmark = pytest.mark.usefixtures("aws_environment", "no_pauses")


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
