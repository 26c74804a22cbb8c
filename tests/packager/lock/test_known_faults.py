"""Versions that are known to fail on Lambda are refused."""

import pytest

from handler.manifest import PackageEntry
from packager.aws.runtimes import find_target
from packager.errors import FailsOnTarget
from packager.lock.known_faults import check_faults


@pytest.mark.parametrize("version", ["1.16.3", "1.25.1"])
def test_an_onnx_runtime_that_aborts_on_arm64_is_refused_there_alone(version: str) -> None:
    packages = [PackageEntry("numpy", "2.3.5"), PackageEntry("onnxruntime", version)]
    check_faults(packages, find_target("python3.12", "x86_64"))
    with pytest.raises(FailsOnTarget, match=rf"onnxruntime {version} ends the process") as raised:
        check_faults(packages, find_target("python3.12", "arm64"))
    assert "x86_64" in str(raised.value.hint)


@pytest.mark.parametrize("version", ["1.26.0", "1.31.1"])
def test_an_onnx_runtime_that_was_mended_is_taken(version: str) -> None:
    check_faults([PackageEntry("onnxruntime", version)], find_target("python3.12", "arm64"))
