"""Settings by name: texts as programs have them, values of the right type, and what cannot be."""

from pathlib import Path
from typing import Any

import pytest

from packager.api.settings import BUILD_SETTINGS, SERVE_SETTINGS, SOURCE_SETTINGS, build_config
from packager.errors import ConfigError
from packager.support.setting import read_settings


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({}, "runtime", "auto"),
        ({"runtime": "python3.12"}, "runtime", "python3.12"),
        ({"runtime": None}, "runtime", "auto"),
        ({"tolerance": "1e-6"}, "tolerance", 1e-6),
        ({"tolerance": 1}, "tolerance", 1.0),
        ({"keep": "a*"}, "keep", ("a*",)),
        ({"keep": ["a*", "b"]}, "keep", ("a*", "b")),
        ({"keep": '["a*", "b"]'}, "keep", ("a*", "b")),
        ({"keep": "[ab]*"}, "keep", ("[ab]*",)),
        ({}, "keep", ()),
        ({"layer": "True"}, "layer", True),
        ({"with-sources": True}, "sourceless", False),
    ],
)
def test_a_value_is_read_as_its_setting_has_it(
    given: dict[str, Any], name: str, value: object
) -> None:
    assert read_settings(given, BUILD_SETTINGS)[name] == value


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layer": "yes"}, "layer=yes: say true or false"),
        ({"with-sources": 1}, "with-sources=1: say true or false"),
        ({"optimize": "wildly"}, "optimize: 'wildly' is not one of auto, none,"),
        ({"tolerance": "much"}, "tolerance=much: it is not a number"),
        ({"tolerance": "2"}, "tolerance=2: the most is 1"),
        ({"tolerance": -1}, "tolerance=-1: the least is 0"),
        ({"port": "80.5"}, "port=80.5: it is not a whole number"),
        ({"lock": "no/such.toml"}, "lock=no/such.toml: there is no such file"),
    ],
)
def test_a_value_that_cannot_be_is_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_settings(given, (*BUILD_SETTINGS, *SERVE_SETTINGS))


def test_a_variable_is_taken_where_nothing_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_PORT", "5001")

    assert read_settings({}, SERVE_SETTINGS)["port"] == 5001
    assert read_settings({"port": 5002}, SERVE_SETTINGS)["port"] == 5002


def test_the_settings_alone_are_the_default_build(tmp_path: Path) -> None:
    from packager.building.config import BuildConfig

    settings = (*SOURCE_SETTINGS, *BUILD_SETTINGS)
    assert build_config(read_settings({}, settings)) == BuildConfig()

    limits = tmp_path / "limits.txt"
    limits.write_text("numpy<2.3  # for now\n")
    given = {"constraints": str(limits), "drop": "x", "architecture": "arm64", "upgrade": "true"}
    config = build_config(read_settings(given, settings))
    assert config.constraints == ("numpy<2.3",)
    assert (config.overrides.drop, config.architecture) == (("x",), "arm64")
    assert config.lock_policy.value == "upgrade"


@pytest.mark.parametrize("runtime", ["python3.1", "nodejs22.x"])
def test_an_unknown_runtime_is_refused_before_any_work(runtime: str) -> None:
    with pytest.raises(ConfigError, match=runtime):
        build_config(read_settings({"runtime": runtime}, BUILD_SETTINGS))
