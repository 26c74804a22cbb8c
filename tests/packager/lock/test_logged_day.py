"""What the requirements leave open gets the versions of the day that the model was logged."""

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from handler.manifest import ModelInfo
from packager.building.config import BuildConfig
from packager.building.target import Choice, choose_target
from packager.local.envs import ensure_env
from packager.lock.resolve import UvResolver
from packager.model.mlmodel import ModelSpec
from packager.progress import LOGGED
from packager.requirements.logged_with import LoggedWith
from packager.requirements.select import Requirements
from packager.support.uv import Indexes
from tests.support.dated_index import dated_index
from tests.support.wheels import make_wheel

DAY = "2023-05-31"
UPLOADS = {
    "lib==1.0": "2022-01-01",
    "lib==2.0": "2023-05-31",
    "lib==3.0": "2023-06-01",
    "deep==1.0": "2023-01-01",
    "deep==2.0": "2024-01-01",
    "array==1.26": "2023-01-01",
    "array==2.0": "2023-02-01",
}


class Told:
    """Keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def step(self, message: str) -> None:
        self.lines.append(message)

    detail = step


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """What the index has: `lib` needs `deep`; the handler's packages are of today."""
    folder = tmp_path / "wheels"
    for version in ("1.0", "2.0", "3.0"):
        make_wheel(folder, "lib", version, requires=["deep"])
    for version in ("1.0", "2.0"):
        make_wheel(folder, "deep", version)
    for name in ("boto3", "fastapi", "mangum", "numpy", "orjson", "pandas"):
        make_wheel(folder, name, "99.0")
    return folder


@pytest.fixture
def url(
    wheels: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    days = dict.fromkeys(("numpy==99.0", "pandas==99.0"), "2023-01-01")
    uploads = getattr(request, "param", UPLOADS)
    with dated_index(wheels, uploads | days if uploads else uploads) as url:
        yield url


def spec_of(tmp_path: Path, day: str | None = DAY, content: object = ()) -> ModelSpec:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(content))
    info = ModelInfo("sklearn", "model.pkl", "pickle")
    return ModelSpec(tmp_path, info, python_version="3.11.7", requirements=(), logged_day=day)


def choose(spec: ModelSpec, url: str, *lines: str, told: Told | None = None, **others) -> Choice:
    config = BuildConfig(indexes=Indexes(index_url=url), **others)
    requirements = Requirements(kept=lines, dropped=())
    return choose_target(spec, requirements, config, UvResolver(), told or LOGGED)


def versions(choice: Choice) -> dict[str, str]:
    return {package.name: package.version for package in choice.lock.packages}


def test_what_is_open_gets_the_versions_of_the_day_and_the_handlers_are_todays(
    tmp_path: Path, url: str
) -> None:
    found = versions(choose(spec_of(tmp_path), url, "lib"))

    assert (found["lib"], found["deep"]) == ("2.0", "1.0")
    assert found["orjson"] == "99.0"
    assert versions(choose(spec_of(tmp_path, None), url, "lib"))["lib"] == "3.0"


def test_a_retrained_models_lock_answers_the_same_question(tmp_path: Path, url: str) -> None:
    first = choose(spec_of(tmp_path), url, "lib").lock
    later = replace(spec_of(tmp_path), logged_day="2023-06-02")

    assert choose(later, url, "lib", earlier_lock=first).lock is first


@pytest.mark.parametrize("url", [{}], indirect=True)
def test_an_index_that_tells_no_days_gives_todays_versions_and_that_is_said(
    tmp_path: Path, url: str
) -> None:
    told = Told()

    found = versions(choose(spec_of(tmp_path), url, "lib", told=told))

    assert found["lib"] == "3.0"
    assert any("2023-05-31" in line for line in told.lines)


def test_an_environment_of_the_model_gets_them_too(tmp_path: Path, url: str) -> None:
    python = ensure_env(
        "day", "3.11", ["lib"], indexes=Indexes(index_url=url), there=LoggedWith(DAY)
    )

    assert list(python.parents[1].glob("lib/python3.11/site-packages/lib-2.0.dist-info"))


def test_a_pickle_of_numpy_1_is_read_with_numpy_1(tmp_path: Path, wheels: Path, url: str) -> None:
    make_wheel(wheels, "numpy", "1.26.4")
    old = spec_of(tmp_path, None, "numpy.core.multiarray")

    assert versions(choose(old, url, "lib", "numpy"))["numpy"] == "1.26.4"
    new = spec_of(tmp_path, None, "numpy._core.multiarray")
    assert versions(choose(new, url, "lib", "numpy"))["numpy"] == "99.0"


def test_a_runtime_that_has_what_was_newest_then_is_preferred(
    tmp_path: Path, wheels: Path, url: str
) -> None:
    make_wheel(wheels, "array", "1.26", tag="cp311-cp311-manylinux2014_x86_64")
    for python in ("cp311", "cp312"):
        make_wheel(wheels, "array", "2.0", tag=f"{python}-{python}-manylinux_2_28_x86_64")

    choice = choose(spec_of(tmp_path), url, "array")

    assert (choice.target.runtime.name, versions(choice)["array"]) == ("python3.12", "2.0")
    assert "array>=2.0" in str(choice.note)
    named = choose(spec_of(tmp_path), url, "array", runtime="python3.11")
    assert versions(named)["array"] == "1.26"
    assert "older" in str(named.note)


def test_a_wheel_between_uvs_levels_is_enough(tmp_path: Path, wheels: Path, url: str) -> None:
    make_wheel(wheels, "array", "1.26", tag="cp311-cp311-manylinux2014_x86_64")
    make_wheel(wheels, "array", "2.0", tag="cp311-cp311-manylinux_2_24_x86_64")

    choice = choose(spec_of(tmp_path), url, "array")

    assert (choice.target.runtime.name, versions(choice)["array"]) == ("python3.11", "2.0")
