"""Where an object is, against botocore's own rules and clients."""

import itertools
from functools import cache
from typing import Any

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import create_loader
from botocore.session import Session
from hypothesis import given, strategies as st

from handler.s3.address import address_of, quoted
from handler.s3.errors import BeyondUs

REGIONS = [
    region
    for partition in create_loader().load_data("partitions")["partitions"]
    for region in partition["regions"]
    if not region.endswith("-global")
]
SWITCHES = list(itertools.product((False, True), (False, True)))


@cache
def rules() -> EndpointProvider:
    loader = create_loader()
    ruleset = loader.load_service_model("s3", "endpoint-rule-set-1")
    return EndpointProvider(ruleset, loader.load_data("partitions"))


def by_rules(bucket: str, region: str, *, fips: bool = False, dualstack: bool = False) -> str:
    """Return the URL of a bucket."""
    url: str = (
        rules()
        .resolve_endpoint(
            Bucket=bucket,
            Region=region,
            UseFIPS=fips,
            UseDualStack=dualstack,
            # botocore's default: us-east-1 is the global endpoint.
            UseGlobalEndpoint=region == "us-east-1",
        )
        .url
    )
    return url


def environ(region: str, *, fips: bool = False, dualstack: bool = False) -> dict[str, str]:
    return {
        "AWS_DEFAULT_REGION": region,
        "AWS_USE_FIPS_ENDPOINT": str(fips).lower(),
        "AWS_USE_DUALSTACK_ENDPOINT": str(dualstack),
    }


def url_of(bucket: str, key: str, variables: dict[str, str]) -> str:
    address = address_of(bucket, key, variables)
    return f"{'https' if address.is_tls else 'http'}://{address.host_header}{address.path}"


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_has_the_host_that_botocore_finds(region: str) -> None:
    for fips, dualstack in SWITCHES:
        if fips and region.startswith("cn-"):
            continue
        for bucket in ("models", "my.models"):
            expected = f"{by_rules(bucket, region, fips=fips, dualstack=dualstack)}/a.zip"
            variables = environ(region, fips=fips, dualstack=dualstack)
            assert url_of(bucket, "a.zip", variables) == expected
            assert address_of(bucket, "a.zip", variables).region == region


def test_a_region_that_is_not_known_yet_is_in_its_partition() -> None:
    for region in ("eu-nowhere-9", "cn-nowhere-9", "us-gov-nowhere-9", "eusc-de-nowhere-9"):
        assert url_of("models", "a", environ(region)) == f"{by_rules('models', region)}/a"


@given(st.from_regex(r"[a-zA-Z0-9._-]{1,70}", fullmatch=True))
def test_any_bucket_is_addressed_as_botocore_does(bucket: str) -> None:
    if bucket.endswith("-s3") and "--" in bucket:
        return
    assert url_of(bucket, "a", environ("eu-west-1")) == f"{by_rules(bucket, 'eu-west-1')}/a"


class Stopped(Exception):
    """Instead of the request to this URL."""


def stop_sending(request: Any, **_: object) -> None:
    raise Stopped(request.url)


CLIENT_SETTINGS: list[dict[str, str]] = [
    {},
    {"AWS_DEFAULT_REGION": "us-east-1"},
    {"AWS_DEFAULT_REGION": "us-east-1", "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "regional"},
    {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
    {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:9000"},
    {"AWS_ENDPOINT_URL": "http://one:1", "AWS_ENDPOINT_URL_S3": "https://two.example.com/base/"},
    {"AWS_ENDPOINT_URL_S3": "http://[::1]:9000"},
    {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
    {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    },
]


@pytest.mark.parametrize("settings", CLIENT_SETTINGS)
def test_settings_mean_what_they_mean_to_boto3(
    settings: dict[str, str], aws_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = Session().create_client("s3")
    client.meta.events.register("before-send.s3", stop_sending)
    for key in ("a b/c+d.zip", "/a//b", "../é?x=1#y", "%41~*"):
        with pytest.raises(Stopped) as stopped:
            client.get_object(Bucket="models", Key=key)
        assert url_of("models", key, settings) == str(stopped.value)
    client.close()


@given(st.text(min_size=1))
def test_any_key_is_quoted_as_botocore_does(key: str) -> None:
    from botocore.utils import percent_encode

    assert quoted(key) == percent_encode(key, safe="/~")


@pytest.mark.parametrize(
    ("bucket", "settings"),
    [
        ("arn:aws:s3:eu-west-1:123456789012:accesspoint/models", {}),
        ("models--use1-az4--x-s3", {}),
        ("models--op-s3", {}),
        ("not a bucket", {}),
        ("models", {"AWS_DEFAULT_REGION": "aws-global"}),
        ("models", {"AWS_DEFAULT_REGION": "evil.example.com/"}),
        ("models", {"AWS_DEFAULT_REGION": "cn-north-1", "AWS_USE_FIPS_ENDPOINT": "true"}),
        ("models", {"AWS_ENDPOINT_URL_S3": "ftp://example.com"}),
    ],
)
def test_what_only_boto3_knows_is_left_to_it(bucket: str, settings: dict[str, str]) -> None:
    with pytest.raises(BeyondUs):
        address_of(bucket, "a", settings)


def test_an_address_never_leaves_its_host(aws_environment: None) -> None:
    for key in ("//evil.example.com/a", "a@evil.example.com", "\r\nhost: evil"):
        address: Any = address_of("models", key, environ("eu-west-1"))
        assert address.host == "models.s3.eu-west-1.amazonaws.com"
        assert not set(address.path) & set("\r\n @")
