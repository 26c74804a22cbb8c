import pytest

from packager.errors import ConfigError
from packager.targets import RUNTIMES, find_target, runtime_for_python


def test_uv_is_never_asked_for_a_newer_glibc_than_the_runtime_has() -> None:
    for runtime in RUNTIMES:
        _, _, level = runtime.uv_platform.partition("manylinux")
        needed = (2, 17) if level == "2014" else tuple(int(n) for n in level.split("_")[1:])
        assert needed <= runtime.glibc, runtime.name


@pytest.mark.parametrize(
    ("trained_under", "runtime"),
    [
        ("3.11.7", "python3.11"),
        ("3.13.0", "python3.13"),
        ("3.9.18", "python3.11"),
        ("3.15.1", "python3.14"),
        (None, "python3.14"),
    ],
)
def test_auto_takes_the_models_python_or_the_nearest_that_lambda_has(
    trained_under: str | None, runtime: str
) -> None:
    assert runtime_for_python(trained_under) == runtime


def test_arm64_is_spelled_as_wheels_spell_it() -> None:
    assert find_target("python3.12", "arm64").uv_platform == "aarch64-manylinux_2_34"


@pytest.mark.parametrize(
    ("runtime", "architecture"), [("python2.7", "x86_64"), ("python3.12", "ia64")]
)
def test_an_unknown_target_lists_the_known_ones(runtime: str, architecture: str) -> None:
    with pytest.raises(ConfigError) as raised:
        find_target(runtime, architecture)

    assert "Known" in str(raised.value.hint)
