"""Names that S3 and the template take, and those that they do not."""

import pytest

from packager.bundle.keys import check_bucket, check_names
from packager.errors import ConfigError


@pytest.mark.parametrize("name", ["UPPER", "a", "x: y", "s3://models", "-models", ""])
def test_what_is_not_a_bucket_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="bucket name"):
        check_bucket(name)


def test_a_prefix_with_a_wildcard_is_refused() -> None:
    check_names("my-models", "teams/fraud_(new)")
    with pytest.raises(ConfigError, match=r"teams/\*") as raised:
        check_names("my-models", "teams/*")
    assert "wildcards" in str(raised.value.hint)
