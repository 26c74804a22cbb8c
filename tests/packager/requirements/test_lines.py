"""What becomes of requirement lines as pip, conda and MLflow write them."""

from dataclasses import replace
from pathlib import Path

import pytest

from handler.manifest import ModelInfo
from packager.errors import ConfigError, DependencyError, UnsafeFormat
from packager.model.mlmodel import ModelSpec
from packager.model.safety import check_safe
from packager.requirements.overrides import Overrides, apply_overrides
from packager.requirements.select import Requirements, inference_requirements

SPEC = ModelSpec(
    folder=Path("model"),
    info=ModelInfo("sklearn", "model.pkl", "pickle"),
    python_version="3.11.7",
    requirements=(),
    logged_versions=(("scikit-learn", "1.7.2"), ("cloudpickle", "3.1.1")),
)
GIT = "git+https://github.com/example-org/feature-lib.git@v1.2#egg=feature-lib"


def read(*lines: str, constraints: tuple[str, ...] = ()) -> Requirements:
    return inference_requirements(replace(SPEC, requirements=lines, constraints=constraints))


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("scikit-learn==1.7.2 --hash=sha256:00 --hash=sha256:11", "scikit-learn==1.7.2"),
        ("torch==2.1.0+cu118", "torch==2.1.0"),
        ("numpy==2.2.2+computecanada", "numpy==2.2.2"),
        ("torch==2.12.0+cpu", "torch==2.12.0+cpu"),
        ("sklearn", "scikit-learn==1.7.2"),
        ("sklearn==0.0.post5", "scikit-learn==1.7.2"),
        ("scikit-learn", "scikit-learn==1.7.2"),
        ("scikit-learn[alldeps]", "scikit-learn[alldeps]==1.7.2"),
        ("scikit-learn>=1", "scikit-learn>=1"),
        ("scikit-learn @ file:///croot/scikit-learn_1690978916/work", "scikit-learn==1.7.2"),
        (
            "numpy @ file:///croot/numpy/work/dist/numpy-1.26.3-cp311-cp311-linux_x86_64.whl#sha256=a",
            "numpy==1.26.3",
        ),
        ("scipy @ file:///C:/b/abs_3b1/croot/scipy_172/work", "scipy"),
        ("lib @ https://example.org/lib-1.0-py3-none-any.whl",) * 2,
        (
            "https://example.org/my_lib-1.0-py3-none-any.whl",
            "my-lib @ https://example.org/my_lib-1.0-py3-none-any.whl",
        ),
        ('zipp==3; python_version >= "3.8"',) * 2,
    ],
)
def test_a_line_asks_for_what_an_index_has(line: str, instead: str) -> None:
    assert read(line).kept == (instead,)


def test_a_name_on_two_lines_keeps_the_version_of_the_one_that_says_it() -> None:
    assert read("scikit-learn", "scikit-learn==1.5.0").kept == (
        "scikit-learn",
        "scikit-learn==1.5.0",
    )


def test_what_a_flavor_loads_its_models_with_comes_though_no_line_names_it() -> None:
    info = ModelInfo("xgboost", "model.xgb", "xgb")
    spec = replace(SPEC, info=info, logged_versions=(("xgboost", "2.1.4"),))
    requirements = inference_requirements(spec)

    assert [item.requirement for item in requirements.added] == ["xgboost==2.1.4"]
    assert [item.replacement for item in requirements.replaced] == ["xgboost-cpu==2.1.4"]
    listed = inference_requirements(replace(spec, requirements=("xgboost-cpu==2.1.4",)))
    assert not listed.added


def test_what_is_read_otherwise_than_written_is_told_with_the_reason() -> None:
    requirements = read("numpy==2.2.2+computecanada", "scipy @ file:///croot/scipy/work")
    label, path = requirements.reread

    assert "+computecanada" in label.reason
    assert path.replacement == "scipy"
    assert "left open" in path.reason


@pytest.mark.parametrize(
    "line",
    [
        "pathlib==1.0.1",
        "enum34",
        "dataclasses==0.8",
        "pywin32==306",
        "pywinpty==2.0.13",
        "pkg_resources==0.0.0",
        "appnope",
        "pyobjc-core==10",
    ],
)
def test_what_no_function_can_use_stays_out_with_a_reason(line: str) -> None:
    (drop,) = read(line).dropped

    assert drop.requirement == line
    assert drop.reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("--only-binary=:all:", "option"),
        ("--trusted-host example.org", "option"),
        ("-r ../base.txt", "no such file"),
        ('pywin32==306; sys_platform == "win32"', "win32"),
        ('typing-extensions; python_version < "3.8"', "3.8"),
    ],
)
def test_what_installs_nothing_is_ignored_with_a_reason(line: str, reason: str) -> None:
    requirements = read(line, "colorama==0.4.6")
    (ignored,) = requirements.ignored

    assert requirements.kept == ("colorama==0.4.6",)
    assert reason in ignored.reason


def test_hashes_go_and_the_lock_has_its_own() -> None:
    (ignored,) = read("scikit-learn==1.7.2 --hash=sha256:00").ignored

    assert "scikit-learn" in ignored.line
    assert "lock" in ignored.reason


def test_constraints_narrow_and_install_nothing() -> None:
    requirements = read("scikit-learn", constraints=("numpy<2.3", "torch==2.1.0+cu118"))

    assert requirements.constraints == ("numpy<2.3", "torch==2.1.0")
    assert not any("numpy<2.3" in line for line in requirements.lines)


UNREADABLE = [
    (GIT, "feature-lib"),
    ("feature-lib @ git+https://example.org/a/b.git", "feature-lib"),
    ("git+ssh://git@example.org/a/feature-lib.git@main", "feature-lib"),
    ("-e git+https://example.org/x@0a1b2c#egg=proj&subdirectory=src", "proj"),
    ("-e .", "."),
    ("./libs/own", "./libs/own"),
    ("code/missing_lib-1.0-py3-none-any.whl", "missing-lib"),
    ("lib @ https://user:secret@example.org/lib-1.0-py3-none-any.whl", "lib"),
    ("lib @ https://${TOKEN}@example.org/lib-1.0-py3-none-any.whl", "lib"),
    ("lib @ file:///home/me/dist/lib-1.0-py3-none-any.whl", "lib"),
    ("https://example.org/lib-1.0.tar.gz", "lib-1.0.tar.gz"),
    ("numpy=1.2", "numpy=1.2"),
]


@pytest.mark.parametrize(("line", "name"), UNREADABLE)
def test_the_error_names_the_line_and_the_options_that_answer_it(line: str, name: str) -> None:
    with pytest.raises(DependencyError) as raised:
        apply_overrides(Overrides(), read("zipp==3", line))

    assert f"--drop {name}" in str(raised.value.hint)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(("line", "name"), UNREADABLE)
def test_a_line_that_cannot_be_installed_can_be_dropped(line: str, name: str) -> None:
    granted = apply_overrides(Overrides(drop=(name,)), read("zipp==3", line))

    assert granted.kept == ("zipp==3",)
    assert "--drop" in granted.ignored[0].reason


@pytest.mark.parametrize("drop", [(), ("feature-lib",), ("feature*",)])
def test_a_requirement_of_the_users_comes_in_its_place(drop: tuple[str, ...]) -> None:
    granted = apply_overrides(Overrides(extra=("Feature_Lib==1.3",), drop=drop), read(GIT))

    assert granted.kept == ("Feature_Lib==1.3",)
    assert granted.excluded == ()


def test_a_version_of_the_users_goes_before_the_models_and_its_constraints() -> None:
    requirements = read("numpy==1.26.4", "scipy", constraints=("numpy<2", "scipy<1.14"))
    granted = apply_overrides(Overrides(extra=("numpy==2.2.6", "scipy")), requirements)

    assert set(granted.kept) == {"numpy==2.2.6", "scipy"}
    assert granted.constraints == ("scipy<1.14",)


def test_options_of_pip_are_no_packages_of_the_models_own() -> None:
    info = replace(SPEC.info, serialization_format="skops", logged_executes_code=False)
    lines = ("--extra-index-url https://example.org", "zipp==3 --hash=sha256:00")
    check_safe(replace(SPEC, info=info, requirements=lines))

    with pytest.raises(UnsafeFormat, match=r"-e \."):
        check_safe(replace(SPEC, info=info, requirements=("-e .",)))


def test_a_file_of_code_is_not_taken_for_a_requirement() -> None:
    with pytest.raises(ConfigError, match="not a requirement") as raised:
        apply_overrides(Overrides(extra=("features.py",)), read())

    assert "--code-path features.py" in str(raised.value.hint)
