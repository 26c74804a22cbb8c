import re
from pathlib import Path

import pytest

from packager.errors import ConfigError
from packager.requirements import Drop, Requirements
from packager.standins import Addition, Replacement
from packager.wishes import Wishes, grant
from tests.wheels import make_wheel

SORTED_OUT = Requirements(
    kept=("scikit-learn==1.7.2", "Matplotlib==3.10"),
    dropped=(Drop("pyarrow==25.0.1", "MLflow wanted it"), Drop("pytest", "tests")),
    excluded=(Drop("prettytable", "model cards"),),
)
BOOSTED = Requirements(
    kept=("xgboost==3.2.0", "lightgbm==4.7.0"),
    dropped=(),
    replaced=(Replacement("xgboost==3.2.0", "xgboost-cpu==3.2.0", "no GPU"),),
    added=(Addition("scikit-learn", "OpenMP"),),
)


def test_what_the_user_keeps_no_rule_drops() -> None:
    granted = grant(Wishes(keep=("pyarrow", "pretty*")), SORTED_OUT)

    assert "pyarrow==25.0.1" in granted.kept
    assert [drop.requirement for drop in granted.dropped] == ["pytest"]
    assert granted.excluded == ()


def test_what_the_user_drops_stays_out_whoever_requires_it() -> None:
    granted = grant(Wishes(drop=("matplot*",)), SORTED_OUT)

    assert granted.kept == ("scikit-learn==1.7.2",)
    assert Drop("Matplotlib==3.10", "unwanted: --drop") in granted.dropped
    assert Drop("matplot*", "unwanted: --drop") in granted.excluded


def test_a_package_that_is_kept_is_not_replaced() -> None:
    assert "xgboost-cpu==3.2.0" in grant(Wishes(), BOOSTED).lines
    assert "xgboost==3.2.0" in grant(Wishes(keep=("xgboost",)), BOOSTED).lines


def test_what_a_rule_adds_the_user_can_drop() -> None:
    assert "scikit-learn" in grant(Wishes(), BOOSTED).lines
    assert "scikit-learn" not in grant(Wishes(drop=("scikit_learn",)), BOOSTED).lines


def test_extra_requirements_and_local_wheels_are_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))
    wheel = make_wheel(tmp_path, "my-lib", "1.0")

    granted = grant(Wishes(extra=("tzdata>=2025", str(wheel))), SORTED_OUT)

    assert granted.kept[2] == "tzdata>=2025"
    assert re.fullmatch(r"my-lib @ file:///.+/my_lib-1\.0-py3-none-any\.whl", granted.kept[3])


def test_a_wheels_url_is_a_requirement_and_no_path() -> None:
    line = "my-lib @ https://example.org/my_lib-1.0-py3-none-any.whl"

    assert grant(Wishes(extra=(line,)), SORTED_OUT).kept[2] == line


def test_globs_are_compared_as_packages_are_named() -> None:
    assert (
        Drop("pretty-lib", "unwanted: --drop")
        in grant(Wishes(drop=("Pretty_Lib",)), SORTED_OUT).excluded
    )


def test_what_is_asked_for_is_not_excluded_by_a_rule() -> None:
    assert grant(Wishes(extra=("prettytable>=3",)), SORTED_OUT).excluded == ()


@pytest.mark.parametrize("extra", ["no such ==", "missing-1.0-py3-none-any.whl", "odd.whl"])
def test_an_extra_that_is_neither_requirement_nor_wheel_is_named(extra: str) -> None:
    with pytest.raises(ConfigError, match="--with"):
        grant(Wishes(extra=(extra,)), SORTED_OUT)
