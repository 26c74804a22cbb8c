"""When a model gets a Python of its own, in an image, and when it is refused."""

from dataclasses import replace
from pathlib import Path

import cloudpickle
import pytest
from sklearn.preprocessing import FunctionTransformer

from handler.manifest import EngineInfo, ModelInfo
from packager.building.config import BuildConfig
from packager.building.own_python import OwnPython, choose_place, in_own_python
from packager.building.target import Choice
from packager.errors import LockDrift, NoMatchingWheel, PythonMismatch
from packager.lock.obtain import LockPolicy
from packager.lock.pylock import OWN_LOCK_NAME, read_own_lock
from packager.lock.resolve import UvResolver
from packager.model.mlmodel import ModelSpec
from packager.progress import LOGGED
from packager.requirements.select import Requirements
from tests.support.wheels import make_wheel


@pytest.fixture(autouse=True)
def _wheels(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`old 1.0` loads in Python 3.8 alone, `far 1.0` on no Debian 12."""
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))
    make_wheel(index, "old", "1.0", tag="cp38-cp38-manylinux_2_28_x86_64")
    make_wheel(index, "far", "1.0", tag="cp38-cp38-manylinux_2_99_x86_64")
    make_wheel(index, "new", "1.0", tag="py3-none-any")
    for name in ("boto3", "fastapi", "mangum", "orjson", "awslambdaric"):
        make_wheel(index, name, "99.0")
    for name, versions in (
        ("numpy", ("1.23",)),
        ("pandas", ("1.5", "2.3", "3.1")),
        ("protobuf", ("3.20", "5.0")),
        ("setuptools", ("75.0", "99.0")),
    ):
        for version in versions:
            make_wheel(index, name, version)
    make_wheel(index, "mlflow-skinny", "1.24.0", requires=("protobuf",))
    make_wheel(index, "mlflow-skinny", "2.17.0", requires=("protobuf",))


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    """A model of Python 3.8 whose pickle names only what can be imported."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(cloudpickle.dumps(FunctionTransformer(len)))
    info = ModelInfo("sklearn", "model.pkl", "cloudpickle", mlflow_version="1.24.0")
    return ModelSpec(folder, info, python_version="3.8.18", requirements=())


@pytest.fixture
def bound(spec: ModelSpec) -> ModelSpec:
    """The same with a function by value."""
    pickled = cloudpickle.dumps(FunctionTransformer(lambda rows: rows * 2))
    (spec.folder / "model.pkl").write_bytes(pickled)
    return spec


def choose(spec: ModelSpec, *lines: str, **others) -> tuple[Choice, OwnPython | None]:
    config = BuildConfig(**others)
    return choose_place(spec, Requirements(lines, ()), config, UvResolver(), LOGGED)


def versions(own: OwnPython) -> dict[str, str]:
    return {package.name: package.version for package in own.lock.packages}


def test_bytecode_of_an_old_python_gets_that_python(bound: ModelSpec) -> None:
    choice, own = choose(bound, "new==1.0")

    assert own is not None
    assert own.python == "3.8"
    assert choice.target.runtime.name == "python3.12"
    assert "Debian-based" in own.note
    assert "bytecode: they load under Python 3.8 alone" in own.note
    function = {package.name: package.version for package in choice.lock.packages}
    assert function["pandas"] == "2.3", "as the model's own keeps text"
    assert "awslambdaric" in function
    assert "new" not in function


def test_what_no_runtime_can_take_and_its_own_python_can_gets_that(spec: ModelSpec) -> None:
    _, own = choose(spec, "old==1.0")

    assert own is not None
    assert versions(own)["old"] == "1.0"
    assert "old 1.0 has no wheel" in own.note


def test_mlflow_of_that_age_comes_along_with_what_fitted_it_then(bound: ModelSpec) -> None:
    _, own = choose(bound)

    assert own is not None
    found = versions(own)
    assert found["mlflow-skinny"] == "1.24.0"
    assert found["protobuf"] == "3.20"
    assert found["pandas"] == "1.5"
    assert found["setuptools"] == "75.0"


def test_the_version_of_mlflow_that_is_recorded_goes_before_the_files(bound: ModelSpec) -> None:
    _, own = choose(replace(bound, requirements=("mlflow==2.17.0",)))

    assert own is not None
    assert versions(own)["mlflow-skinny"] == "2.17.0"


def test_a_model_that_a_runtime_can_load_has_none(spec: ModelSpec) -> None:
    choice, own = choose(spec, "new==1.0")
    assert own is None
    assert choice.target.runtime.name == "python3.11"


def test_a_zip_is_refused_and_the_way_out_is_told(bound: ModelSpec) -> None:
    with pytest.raises(PythonMismatch) as raised:
        choose(bound, package="zip")
    assert "--package image" in str(raised.value.hint)


@pytest.mark.parametrize(
    "change",
    [
        {"python_version": None},
        {"info": None},
    ],
)
def test_what_has_no_python_to_run_in_is_refused_as_before(
    spec: ModelSpec, change: dict[str, object]
) -> None:
    if "info" in change:  # compiled: it runs nowhere but in the handler
        change["info"] = replace(spec.info, engine=EngineInfo(name="arrays"))
    with pytest.raises(NoMatchingWheel, match=r"old 1\.0"):
        choose(replace(spec, **change), "old==1.0")


def test_bytecode_of_a_python_that_no_image_has_is_refused(bound: ModelSpec) -> None:
    with pytest.raises(PythonMismatch, match=r"Python 2\.7 alone"):
        choose(replace(bound, python_version="2.7.18"))


def test_what_its_own_python_cannot_take_either_is_refused_with_both_reasons(
    spec: ModelSpec,
) -> None:
    with pytest.raises(NoMatchingWheel, match=r"far 1\.0.*python3\.11") as raised:
        choose(spec, "far==1.0")
    assert "Nor can its own Python 3.8 in a container image" in str(raised.value.hint)


def test_a_runtime_that_was_named_is_not_given_up_for_an_image(bound: ModelSpec) -> None:
    with pytest.raises(PythonMismatch) as caught:
        choose(bound, runtime="python3.13")

    assert "leave out --runtime python3.13" in str(caught.value.hint)


def test_a_runtime_that_was_named_is_not_given_up_for_a_version(spec: ModelSpec) -> None:
    with pytest.raises(NoMatchingWheel):
        choose(spec, "old==1.0", runtime="python3.12")


def test_locked_keeps_to_both_locks_and_tells_what_changed(
    bound: ModelSpec, tmp_path: Path
) -> None:
    choice, own = choose(bound, "new==1.0")
    assert own is not None
    (tmp_path / OWN_LOCK_NAME).write_text(own.lock.text)
    again = {
        "earlier_lock": choice.lock,
        "earlier_own_lock": read_own_lock(tmp_path / "pylock.toml"),
        "lock_policy": LockPolicy.LOCKED,
    }

    assert choose(bound, "new==1.0", **again) == (choice, replace(own, reason="so its lock says"))
    with pytest.raises(LockDrift, match=r"\+ old==1\.0"):
        choose(bound, "new==1.0", "old==1.0", **again)


def test_the_bundle_carries_the_logged_file_for_that_python(bound: ModelSpec) -> None:
    _, own = choose(bound)
    assert own is not None
    info = in_own_python(bound, own).info
    assert (info.own_python, info.engine.name, info.engine.data_path) == ("3.8", "exact", None)
