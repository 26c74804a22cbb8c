import json
from datetime import date

import pytest
from packaging.tags import Tag

from packager.aws.runtimes import (
    LIMITS,
    OWN_PYTHONS,
    RUNTIMES,
    RUNTIMES_SOURCE,
    find_target,
    own_python_target,
    runtime_for_python,
)
from packager.errors import ConfigError
from tests.support.commands import packager


def test_uv_is_never_asked_for_a_newer_glibc_than_the_runtime_has() -> None:
    for runtime in (*RUNTIMES, *OWN_PYTHONS):
        _, _, level = runtime.uv_platform.partition("manylinux")
        needed = (2, 17) if level == "2014" else tuple(int(n) for n in level.split("_")[1:])
        assert needed <= runtime.glibc, runtime.name


@pytest.mark.parametrize(("python", "abi"), [("3.7", "cp37m"), ("3.8", "cp38"), ("3.14", "cp314")])
def test_wheels_of_old_pythons_are_known_by_their_abi(python: str, abi: str) -> None:
    target = own_python_target(python, "arm64")
    assert target is not None
    interpreter = abi.removesuffix("m")
    assert Tag(interpreter, abi, "manylinux_2_36_aarch64") in target.wheel_tags
    assert Tag(interpreter, abi, "manylinux_2_37_aarch64") not in target.wheel_tags
    assert f"libpython{python}{abi[len(interpreter) :]}.so.1.0" in target.libraries


def test_of_other_pythons_there_is_no_image() -> None:
    assert own_python_target("3.6", "x86_64") is None


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


@pytest.mark.parametrize(
    ("runtime", "newest"), [("python3.11", "manylinux_2_26"), ("python3.13", "manylinux_2_34")]
)
def test_a_target_loads_wheels_up_to_its_glibc(runtime: str, newest: str) -> None:
    for architecture, machine in (("x86_64", "x86_64"), ("arm64", "aarch64")):
        platforms = find_target(runtime, architecture).wheel_platforms

        assert platforms[0] == f"{newest}_{machine}"
        assert f"manylinux2014_{machine}" in platforms
        assert (f"manylinux1_{machine}" in platforms) == (machine == "x86_64")
        assert not any("2_35" in platform for platform in platforms)


def test_every_limit_and_runtime_names_awss_page() -> None:
    assert RUNTIMES_SOURCE.startswith("https://docs.aws.amazon.com/lambda/")
    for limit in LIMITS:
        assert limit.source.startswith("https://docs.aws.amazon.com/lambda/"), limit.name
    for runtime in RUNTIMES:
        assert date.fromisoformat(runtime.deprecation) > date(2026, 6, 30), runtime.name
        assert runtime.has_snapstart == (runtime.python_version >= (3, 12))


def test_the_command_shows_every_runtime_and_limit() -> None:
    text = packager("targets")
    document = json.loads(packager("targets", "--json").stdout)

    assert text.returncode == 0, text.stderr
    for runtime in RUNTIMES:
        assert f"{runtime.name}  {runtime.system.name}" in text.stdout
        assert runtime.deprecation in text.stdout
    assert "262.1 MB" in text.stdout
    assert [item["name"] for item in document["runtimes"]] == [item.name for item in RUNTIMES]
    assert document["runtimes"][0]["symbol_versions"]["GLIBCXX"] == "3.4.24"
    assert {"boto3", "urllib3"} <= set(document["runtime_packages"])
    assert {"name", "value", "unit", "source"} == set(document["limits"][0])
