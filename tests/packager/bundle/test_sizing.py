"""What a build says of models that are large for a function."""

import pytest

from handler.manifest import FileEntry, ModelInfo
from packager.bundle.sizing import Sizing, check_fits, memory_warning, size_function, size_warnings
from packager.errors import LimitExceeded

GB = 10**9


def model(size_bytes: int, serialization_format: str = "cloudpickle") -> ModelInfo:
    files = (FileEntry("model", size_bytes, "ab" * 32),)
    return ModelInfo("sklearn", "model", serialization_format, files=files)


def test_a_small_model_is_nothing_to_speak_of() -> None:
    assert list(size_warnings(model(50_000_000), "s3")) == []
    assert size_function(model(50_000_000), "s3") == Sizing(1769, 512, 30)


def test_a_model_that_is_slow_to_fetch_is_told() -> None:
    (warning,) = size_warnings(model(2 * GB), "s3")
    assert "2.0 GB" in warning
    assert "30 s after which an HTTP API gives up" in warning


def test_a_model_that_may_not_fit_into_memory_is_told() -> None:
    warnings = list(size_warnings(model(6 * GB, "skops"), "s3"))
    assert "may take 12,032 MiB of memory and Lambda has 10,240 MiB" in warnings[0]


def test_a_model_that_does_not_fit_into_tmp_is_refused() -> None:
    check_fits(model(10 * GB), "s3")
    check_fits(model(11 * GB), "embedded")  # which an image's own limit judges
    with pytest.raises(LimitExceeded, match=r"11\.0 GB and takes 10,683 MiB of /tmp") as caught:
        check_fits(model(11 * GB), "s3")
    assert caught.value.exit_code == 3


def test_what_was_measured_is_compared_with_the_templates_memory() -> None:
    sizing = size_function(model(GB), "s3")
    assert memory_warning(sizing, None) is None
    assert memory_warning(sizing, sizing.memory_mib - 64) is None
    warning = memory_warning(sizing, 1800)
    assert warning is not None
    assert warning.endswith("deploy it with MemorySize=2048 or more")
