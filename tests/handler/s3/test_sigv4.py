"""The signer against AWS's published cases, and against botocore's on whatever comes."""

import calendar
import string
import time

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given, strategies as st

from handler.s3.address import quoted
from handler.s3.sigv4 import EMPTY_SHA256, Credentials, Scope, authorization, signed_headers

SUITE = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SUITE_HEADERS = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
# Name, path, further headers, signature: the requests without a query of AWS's test suite.
# https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html
CASES = [
    ("get-vanilla", "/", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    (
        "get-unreserved",
        "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        {},
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    (
        "get-utf8",
        "/ሴ",
        {},
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    ),
    (
        "get-header-key-duplicate",
        "/",
        {"my-header1": "value2,value2,value1"},
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    (
        "get-header-value-multiline",
        "/",
        {"my-header1": "value1,value2,value3"},
        "ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790",
    ),
    (
        "get-header-value-trim",
        "/",
        {"my-header1": " value1 ", "my-header2": ' "a   b   c" '},
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
]


@pytest.mark.parametrize(
    ("path", "headers", "signature"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_request_of_the_suite_gets_its_signature(
    path: str, headers: dict[str, str], signature: str
) -> None:
    scope = Scope("us-east-1", "service")
    text = authorization(SUITE, scope, quoted(path), SUITE_HEADERS | headers)
    names = ";".join(sorted({*SUITE_HEADERS, *headers}))
    assert text == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
        f" SignedHeaders={names}, Signature={signature}"
    )


def test_the_example_in_s3s_reference_gets_its_signature() -> None:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    credentials = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    headers = {"host": "examplebucket.s3.amazonaws.com", "range": "bytes=0-9"}
    now_s = calendar.timegm((2013, 5, 24, 0, 0, 0))
    signed = signed_headers(credentials, Scope("us-east-1"), "/test.txt", headers, now_s)
    assert signed["x-amz-date"] == "20130524T000000Z"
    assert signed["x-amz-content-sha256"] == EMPTY_SHA256
    assert signed["authorization"].endswith(
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


TEXTS = st.text(string.ascii_letters + string.digits + "+/=", min_size=1, max_size=60)
HEADER_VALUES = st.text(string.ascii_letters + string.digits + ' "-=', max_size=20)


@given(
    key=st.text(min_size=1, max_size=40),
    host=st.from_regex(r"[a-z0-9]{1,10}(\.[a-z0-9]{1,10}){0,3}(:[1-9][0-9]{2})?", fullmatch=True),
    region=st.from_regex(r"[a-z]{2}-[a-z]{1,8}-[1-9]", fullmatch=True),
    secret=TEXTS,
    token=st.none() | TEXTS,
    etag=HEADER_VALUES,
)
def test_a_get_is_signed_as_botocore_signs_it(
    key: str, host: str, region: str, secret: str, token: str | None, etag: str
) -> None:
    path = f"/bucket/{quoted(key)}"
    headers = {"host": host, "range": "bytes=0-9", "if-match": etag}
    request = AWSRequest("GET", f"http://{host}{path}", headers=headers)
    signer = S3SigV4Auth(BotocoreCredentials("AKID", secret, token), "s3", region)
    signer.add_auth(request)
    theirs = request.headers
    now_s = calendar.timegm(time.strptime(theirs["X-Amz-Date"], "%Y%m%dT%H%M%SZ"))
    ours = signed_headers(Credentials("AKID", secret, token), Scope(region), path, headers, now_s)
    assert ours["authorization"] == theirs["Authorization"]
    assert ours.get("x-amz-security-token") == theirs.get("X-Amz-Security-Token")


def test_credentials_do_not_show_their_secrets() -> None:
    text = repr(Credentials("AKID", "the secret", "the token"))
    assert "AKID" in text
    assert "secret" not in text
    assert "token" not in text
