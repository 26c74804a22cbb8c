"""Which target a build takes, and which lock."""

import bz2
import gzip
import lzma
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

import cloudpickle
import pytest
from sklearn.preprocessing import FunctionTransformer

from handler.manifest import EngineInfo, FileEntry, ModelInfo
from packager.building.config import BuildConfig
from packager.building.target import Choice, choose_target
from packager.errors import (
    ConfigError,
    DependencyError,
    IndexUnreachable,
    NoMatchingWheel,
    PythonMismatch,
)
from packager.lock.obtain import LockPolicy
from packager.lock.resolve import UvResolver
from packager.model.mlmodel import ModelSpec
from packager.progress import LOGGED, Progress
from packager.requirements.select import Requirements
from tests.support.wheels import make_sdist, make_wheel

TOO_NEW_FOR_AL2 = "manylinux_2_28_x86_64"


@pytest.fixture(autouse=True)
def _wheels(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`lib 2.0` loads from python3.12 on, `old 1.0` nowhere."""
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))
    for python in ("cp311", "cp312", "cp313"):
        make_wheel(index, "lib", "2.0", tag=f"{python}-{python}-{TOO_NEW_FOR_AL2}")
    make_wheel(index, "lib", "1.0", tag="cp311-cp311-manylinux2014_x86_64")
    make_wheel(index, "old", "1.0", tag="cp38-cp38-manylinux2014_x86_64")
    for name in ("boto3", "fastapi", "mangum", "numpy", "orjson", "pandas"):
        make_wheel(index, name, "99.0")


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    """A model of Python 3.11, pickled, with nothing of its own in it."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(cloudpickle.dumps(FunctionTransformer(len)))
    info = ModelInfo("sklearn", "model.pkl", "cloudpickle")
    return ModelSpec(folder, info, python_version="3.11.7", requirements=())


def choose(spec: ModelSpec, *lines: str, **others) -> Choice:
    requirements = Requirements(kept=lines, dropped=())
    return choose_target(spec, requirements, BuildConfig(**others), UvResolver(), LOGGED)


def test_auto_takes_the_models_own_python_where_the_requirements_can_be_met(
    spec: ModelSpec,
) -> None:
    choice = choose(spec, "lib==1.0")

    assert choice.target.runtime.name == "python3.11"
    assert choice.note is None


def test_auto_goes_on_to_the_next_runtime_and_says_why(spec: ModelSpec) -> None:
    choice = choose(spec, "lib==2.0")

    assert choice.target.runtime.name == "python3.12"
    assert choice.note is not None
    for fact in ("3.11.7", "lib 2.0", "glibc 2.26", TOO_NEW_FOR_AL2, "python3.12"):
        assert fact in choice.note


def test_a_runtime_that_was_named_is_not_left_but_the_way_out_is_told(spec: ModelSpec) -> None:
    with pytest.raises(NoMatchingWheel, match=r"lib 2\.0") as raised:
        choose(spec, "lib==2.0", runtime="python3.11")

    assert "--runtime python3.12" in str(raised.value.hint)


def test_what_no_runtime_can_take_fails_with_the_first_ones_reason(spec: ModelSpec) -> None:
    with pytest.raises(NoMatchingWheel, match=r"old 1\.0.*python3\.11") as raised:
        choose(spec, "old==1.0")

    assert "No other Lambda runtime" in str(raised.value.hint)


@pytest.mark.parametrize("line", ["old==1.0", "sources==1.0", "nowhere==1.0"])
def test_what_no_runtime_can_have_is_looked_for_on_one(
    spec: ModelSpec, index: Path, line: str
) -> None:
    make_sdist(index, "sources", "1.0")
    steps: list[str] = []

    with pytest.raises(DependencyError, match=line.partition("=")[0]):
        choose_target(
            spec,
            Requirements(kept=(line,), dropped=()),
            BuildConfig(),
            UvResolver(),
            cast("Progress", SimpleNamespace(step=steps.append, detail=lambda _: None)),
        )

    assert len(steps) == 1


def test_wheels_for_other_systems_are_not_called_sources(spec: ModelSpec, index: Path) -> None:
    make_wheel(index, "winlib", "306", tag="cp311-cp311-win_amd64")

    with pytest.raises(NoMatchingWheel, match="win_amd64"):
        choose(spec, "winlib==306")


def test_an_index_that_is_down_is_no_reason_to_change_the_runtime(
    spec: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_CONFIG_FILE")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))

    with pytest.raises(IndexUnreachable):
        choose(spec, "lib==2.0")


def with_bytecode(spec: ModelSpec) -> ModelSpec:
    pickled = cloudpickle.dumps(FunctionTransformer(lambda rows: rows * 2))
    (spec.folder / "model.pkl").write_bytes(pickled)
    return spec


def test_cloudpickled_code_is_not_built_for_another_python(spec: ModelSpec) -> None:
    with pytest.raises(PythonMismatch, match=r"3\.11 alone") as raised:
        choose(with_bytecode(spec), "lib==1.0", runtime="python3.12")

    assert "code_paths" in str(raised.value.hint)


def test_auto_does_not_move_cloudpickled_code_and_gives_both_reasons(spec: ModelSpec) -> None:
    with pytest.raises(PythonMismatch, match=r"3\.11 alone.*lib 2\.0 has no wheel"):
        choose(with_bytecode(spec), "lib==2.0")


def test_cloudpickled_code_builds_for_its_own_python(spec: ModelSpec) -> None:
    assert choose(with_bytecode(spec), "lib==1.0").target.runtime.name == "python3.11"


@pytest.mark.parametrize("module", [gzip, bz2, lzma])
def test_compressed_code_is_found_too(spec: ModelSpec, module: ModuleType) -> None:
    path = with_bytecode(spec).folder / "model.pkl"
    path.write_bytes(module.compress(path.read_bytes()))
    with pytest.raises(PythonMismatch, match=r"model\.pkl.*3\.11 alone"):
        choose(spec, "lib==1.0", runtime="python3.12")
    # What is cut short is for the check to say.
    path.write_bytes(path.read_bytes()[:30])
    assert choose(spec, "lib==2.0", runtime="python3.12").note is None


def test_code_among_a_python_models_artifacts_is_found_too(spec: ModelSpec) -> None:
    (spec.folder / "artifacts").mkdir()
    (with_bytecode(spec).folder / "model.pkl").rename(spec.folder / "artifacts" / "a.pkl")
    (spec.folder / "model.py").write_text("_make_function, CodeType = None, None")
    names = ("MLmodel", "artifacts/a.pkl", "model.py")
    info = ModelInfo(
        flavor="python_function",
        data_path="model.py",
        serialization_format="code",
        options={"artifacts": {"a": "artifacts"}},
        files=tuple(FileEntry(name, 1, "") for name in names),
    )
    with pytest.raises(PythonMismatch, match=r"artifacts/a\.pkl.*3\.11 alone"):
        choose(replace(spec, info=info), "lib==1.0", runtime="python3.12")


def test_bytecode_of_a_python_that_lambda_has_not_is_refused(spec: ModelSpec) -> None:
    with pytest.raises(PythonMismatch, match=r"3\.10 alone"):
        choose(replace(with_bytecode(spec), python_version="3.10.4"), "lib")


def test_a_model_of_an_old_python_that_is_not_here_is_told_how_it_can_be_compiled(
    spec: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("CONDA_PREFIX", raising=False)

    with pytest.raises(NoMatchingWheel) as caught:
        choose(replace(spec, python_version="3.8.18"), "old==1.0")

    assert "uv python install 3.8" in (caught.value.hint or "")


def test_a_model_of_an_old_python_that_was_not_compiled_is_refused_with_the_reason(
    spec: ModelSpec,
) -> None:
    reason = "there is no conversion for sklearn.svm._classes.SVC"
    info = replace(spec.info, flavor="statsmodels", engine=EngineInfo(reason=reason))

    with pytest.raises(NoMatchingWheel) as caught:
        choose(replace(spec, info=info, python_version="3.8.18"), "old==1.0")

    assert reason in (caught.value.hint or "")
    assert "under Python 3.11 or newer" in (caught.value.hint or "")


def test_locked_keeps_the_runtime_that_the_lock_was_made_for(spec: ModelSpec) -> None:
    first = choose(spec, "lib==2.0")

    again = choose(spec, "lib==2.0", earlier_lock=first.lock, lock_policy=LockPolicy.LOCKED)

    assert again.lock == first.lock


def test_locked_without_a_lock_is_a_mistake_in_the_call(spec: ModelSpec) -> None:
    with pytest.raises(ConfigError, match="--locked"):
        choose(spec, "lib", lock_policy=LockPolicy.LOCKED)
