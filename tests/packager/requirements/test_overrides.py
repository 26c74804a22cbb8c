import re
from pathlib import Path

import pytest

from packager.errors import ConfigError
from packager.requirements.overrides import Overrides, apply_overrides
from packager.requirements.select import Drop, Requirements
from packager.requirements.substitutes import Addition, Replacement
from tests.support.wheels import make_wheel

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
    granted = apply_overrides(Overrides(keep=("pyarrow", "pretty*")), SORTED_OUT)

    assert "pyarrow==25.0.1" in granted.kept
    assert [drop.requirement for drop in granted.dropped] == ["pytest"]
    assert granted.excluded == ()


def test_what_the_user_drops_stays_out_whoever_requires_it() -> None:
    granted = apply_overrides(Overrides(drop=("matplot*",)), SORTED_OUT)

    assert granted.kept == ("scikit-learn==1.7.2",)
    assert Drop("Matplotlib==3.10", "unwanted: --drop") in granted.dropped
    assert Drop("matplot*", "unwanted: --drop") in granted.excluded


def test_a_package_that_is_kept_is_not_replaced() -> None:
    assert "xgboost-cpu==3.2.0" in apply_overrides(Overrides(), BOOSTED).lines
    assert "xgboost==3.2.0" in apply_overrides(Overrides(keep=("xgboost",)), BOOSTED).lines


MLFLOW = Requirements(kept=(), dropped=(Drop("mlflow==3.17.2", "not needed"),))
SKINNY = Requirements(
    kept=("mlflow==3.17.2",),
    dropped=(),
    excluded=(Drop("mlflow", "mlflow-skinny==3.17.2 stands in for it"),),
    replaced=(Replacement("mlflow==3.17.2", "mlflow-skinny==3.17.2", "no server"),),
)


@pytest.mark.parametrize("sorted_out", [MLFLOW, SKINNY])
@pytest.mark.parametrize("keep", ["mlflow", "mlf*"])
def test_mlflow_is_kept_without_its_server(sorted_out: Requirements, keep: str) -> None:
    granted = apply_overrides(Overrides(keep=(keep,)), sorted_out)

    assert "mlflow-skinny==3.17.2" in granted.lines
    assert "mlflow==3.17.2" not in granted.lines
    assert granted.excluded == sorted_out.excluded


@pytest.mark.parametrize("sorted_out", [MLFLOW, SKINNY])
def test_all_of_mlflow_comes_when_it_is_asked_for(sorted_out: Requirements) -> None:
    granted = apply_overrides(Overrides(extra=("mlflow==3.17.2",), keep=("mlflow",)), sorted_out)

    assert "mlflow==3.17.2" in granted.lines
    assert "mlflow-skinny==3.17.2" not in granted.lines
    assert granted.excluded == ()


def test_what_a_rule_adds_the_user_can_drop() -> None:
    assert "scikit-learn" in apply_overrides(Overrides(), BOOSTED).lines
    assert "scikit-learn" not in apply_overrides(Overrides(drop=("scikit_learn",)), BOOSTED).lines


def test_extra_requirements_and_local_wheels_are_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))
    wheel = make_wheel(tmp_path, "my-lib", "1.0")

    granted = apply_overrides(Overrides(extra=("tzdata>=2025", str(wheel))), SORTED_OUT)

    assert granted.kept[2] == "tzdata>=2025"
    assert re.fullmatch(r"my-lib @ file:///.+/my_lib-1\.0-py3-none-any\.whl", granted.kept[3])


def test_a_wheels_url_is_a_requirement_and_no_path() -> None:
    line = "my-lib @ https://example.org/my_lib-1.0-py3-none-any.whl"

    assert apply_overrides(Overrides(extra=(line,)), SORTED_OUT).kept[2] == line


def test_globs_are_compared_as_packages_are_named() -> None:
    assert (
        Drop("pretty-lib", "unwanted: --drop")
        in apply_overrides(Overrides(drop=("Pretty_Lib",)), SORTED_OUT).excluded
    )


def test_what_is_asked_for_is_not_excluded_by_a_rule() -> None:
    assert apply_overrides(Overrides(extra=("prettytable>=3",)), SORTED_OUT).excluded == ()


@pytest.mark.parametrize("extra", ["no such ==", "missing-1.0-py3-none-any.whl", "odd.whl"])
def test_an_extra_that_is_neither_requirement_nor_wheel_is_named(extra: str) -> None:
    with pytest.raises(ConfigError, match="--with"):
        apply_overrides(Overrides(extra=(extra,)), SORTED_OUT)


@pytest.mark.parametrize("module", ["mymod.py", "src/mymod.py", "./"])
def test_a_module_is_not_taken_for_a_requirement(module: str) -> None:
    with pytest.raises(ConfigError, match="of code, not a requirement") as raised:
        apply_overrides(Overrides(extra=(module,)), SORTED_OUT)

    assert f"--code-path {module}" in str(raised.value.hint)
