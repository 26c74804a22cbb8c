from pathlib import Path

import pytest

from packager.aws.runtimes import RUNTIMES, Target, find_target
from packager.errors import (
    IndexUnreachable,
    NoMatchingWheel,
    ResolutionFailed,
    ToolFailed,
    Unobtainable,
)
from packager.lock.pylock import Lock
from packager.lock.resolve import Question, UvResolver
from packager.packages.install import install_lock
from packager.support.uv import Indexes
from tests.support.wheels import make_sdist, make_wheel

RUNTIME_NAMES = [runtime.name for runtime in RUNTIMES]
AL2 = find_target("python3.11", "x86_64")
AL2023 = find_target("python3.12", "x86_64")


def versions(lock: Lock) -> dict[str, str]:
    return {package.name: package.version for package in lock.packages}


def resolve(requirements: list[str], target: Target, **others) -> Lock:
    return UvResolver().resolve(Question(tuple(requirements), target, **others))


def test_python311_gets_the_newest_wheel_that_its_glibc_loads(index: Path) -> None:
    make_wheel(index, "lib", "1.0", tag="cp311-cp311-manylinux2014_x86_64")
    make_wheel(index, "lib", "2.0", tag="cp311-cp311-manylinux_2_28_x86_64")
    make_wheel(index, "lib", "2.0", tag="cp312-cp312-manylinux_2_28_x86_64")

    assert versions(resolve(["lib"], AL2)) == {"lib": "1.0"}
    assert versions(resolve(["lib"], AL2023)) == {"lib": "2.0"}


def test_wheels_between_the_levels_that_uv_names_are_found_and_installed(
    index: Path, tmp_path: Path
) -> None:
    between = "manylinux_2_24_x86_64.manylinux_2_28_x86_64"
    make_wheel(index, "frame", "3.1", tag=f"cp311-cp311-{between}", requires=["array", "both"])
    make_wheel(index, "array", "2.0", tag="cp311-cp311-manylinux2014_x86_64")
    make_wheel(index, "array", "2.1", tag="cp311-cp311-manylinux_2_28_x86_64")
    # Of one version a wheel that loads, and one that uv takes for the better.
    make_wheel(index, "both", "1.0", tag="cp311-cp311-manylinux2014_x86_64")
    make_wheel(index, "both", "1.0", tag="cp311-cp311-manylinux_2_28_x86_64")

    lock = resolve(["frame==3.1"], AL2)

    assert versions(lock) == {"array": "2.0", "both": "1.0", "frame": "3.1"}
    assert "manylinux_2_24" in lock.text
    assert "both-1.0-cp311-cp311-manylinux2014_x86_64.whl" in lock.text
    assert lock.text.count(".whl") == 3
    staging = tmp_path / "staging"
    staging.mkdir()
    install_lock(lock, AL2, staging)
    assert {path.name for path in staging.iterdir()} >= {"array", "both", "frame"}


def test_a_level_above_the_targets_is_not_taken_with_them(index: Path) -> None:
    make_wheel(index, "frame", "3.1", tag="cp311-cp311-manylinux_2_24_x86_64", requires=["lib>=2"])
    make_wheel(index, "lib", "2.0", tag="cp311-cp311-manylinux_2_27_x86_64")
    make_wheel(index, "lib", "1.0", tag="cp311-cp311-manylinux2014_x86_64")

    with pytest.raises((NoMatchingWheel, ResolutionFailed)):
        resolve(["frame==3.1"], AL2)


def test_a_pin_without_a_loadable_wheel_names_package_tags_and_the_nearest_version(
    index: Path,
) -> None:
    make_wheel(index, "other", "1.0")
    make_wheel(index, "lib", "1.9", tag="cp311-cp311-manylinux2014_x86_64")
    make_wheel(index, "lib", "2.0", tag="cp311-cp311-manylinux_2_28_x86_64")
    make_wheel(index, "lib", "2.0", tag="cp312-cp312-manylinux_2_28_x86_64")

    with pytest.raises(NoMatchingWheel) as raised:
        resolve(["other==1.0", "lib==2.0"], AL2)

    assert "lib 2.0" in str(raised.value)
    assert "glibc 2.26" in str(raised.value)
    assert raised.value.found == ("manylinux_2_28_x86_64",)
    assert "lib==1.9" in str(raised.value.hint)


def test_a_version_that_is_older_than_the_targets_python_names_the_pythons_it_is_for(
    index: Path,
) -> None:
    make_wheel(index, "lib", "1.0", tag="cp311-cp311-manylinux2014_x86_64")

    with pytest.raises(NoMatchingWheel) as raised:
        resolve(["lib==1.0"], AL2023)

    assert raised.value.found == ("cp311-manylinux2014_x86_64",)


def test_a_package_with_only_a_source_distribution_says_so(index: Path) -> None:
    make_sdist(index, "lib", "1.0")

    make_wheel(index, "other", "1.0", requires=["lib"])

    for requirement in ("lib==1.0", "lib", "other"):
        with pytest.raises(Unobtainable, match="source distribution only") as raised:
            resolve([requirement], AL2)
        assert "--with" in str(raised.value.hint)


def test_a_wheel_for_another_architecture_is_not_taken(index: Path) -> None:
    make_wheel(index, "lib", "1.0", tag="cp311-cp311-manylinux2014_x86_64")

    with pytest.raises(NoMatchingWheel) as raised:
        resolve(["lib==1.0"], find_target("python3.11", "arm64"))

    assert "arm64" in str(raised.value)


def test_what_the_runtime_ships_constrains_the_zip_but_stays_out_of_it(index: Path) -> None:
    make_wheel(index, "shared", "1.5")
    make_wheel(index, "shared", "2.0")
    make_wheel(index, "only-runtime", "1.0")
    make_wheel(index, "aws-sdk", "1.0", requires=["shared<2", "only-runtime"])
    make_wheel(index, "frame", "1.0", requires=["shared"])

    lock = resolve(["frame"], AL2, runtime_packages=("aws-sdk",))

    assert versions(lock) == {"frame": "1.0", "shared": "1.5"}


def test_an_excluded_package_stays_out_with_all_that_only_it_requires(index: Path) -> None:
    make_wheel(index, "deep", "1.0")
    make_wheel(index, "report", "1.0", requires=["deep"])
    make_wheel(index, "lib", "1.0", requires=["report"])

    lock = resolve(["lib"], AL2, excluded=("rep*",))

    assert versions(lock) == {"lib": "1.0"}


def test_contradicting_requirements_are_explained(index: Path) -> None:
    make_wheel(index, "a", "1.0", requires=["shared<2"])
    make_wheel(index, "shared", "2.0")

    with pytest.raises(ResolutionFailed, match=r"shared<2"):
        resolve(["a==1.0", "shared==2.0"], AL2)


def test_an_unknown_package_is_named(index: Path) -> None:
    with pytest.raises(Unobtainable, match="no-such-thing"):
        resolve(["no-such-thing==1.0"], AL2)


def test_an_unreachable_index_is_told_from_a_missing_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path))

    with pytest.raises(IndexUnreachable, match="index cannot be read") as raised:
        resolve(["anything"], AL2)

    assert "network" in str(raised.value.hint)


@pytest.mark.parametrize("target", [find_target(name, "arm64") for name in RUNTIME_NAMES])
def test_a_lock_is_installed_for_any_target_and_leaves_no_trace_of_this_machine(
    index: Path, tmp_path: Path, target: Target
) -> None:
    make_wheel(index, "lib", "1.0")
    lock = resolve(["lib"], target)
    staging = tmp_path / "draft" / "staging"
    staging.mkdir(parents=True)

    install_lock(lock, target, staging)

    assert [path.name for path in staging.parent.iterdir()] == ["staging"]
    assert (staging / "lib" / "__init__.py").read_text() == "VERSION = '1.0'\n"
    assert not list(staging.rglob("INSTALLER"))
    assert not list(staging.rglob("*.pyc"))


def test_a_wheel_that_differs_from_the_locks_hash_is_refused(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(index, "lib", "1.0")
    lock = resolve(["lib"], AL2)
    make_wheel(index, "lib", "1.0", files={"lib/__init__.py": "VERSION = 'other'\n"})
    # The first cache has the right bytes, and uv would rightly take them from there.
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "another-cache"))
    (tmp_path / "draft" / "staging").mkdir(parents=True)

    with pytest.raises(ToolFailed, match=r"(?i)hash"):
        install_lock(lock, AL2, tmp_path / "draft" / "staging")


def test_constraints_narrow_versions_and_install_nothing(index: Path) -> None:
    make_wheel(index, "lib", "1.0")
    make_wheel(index, "lib", "2.0")

    lock = resolve(["lib"], AL2, constraints=("lib<2", "unused==3"))

    assert versions(lock) == {"lib": "1.0"}


def test_the_versions_of_an_earlier_lock_are_kept_where_they_fit(index: Path) -> None:
    make_wheel(index, "lib", "1.0")
    make_wheel(index, "other", "1.0")
    earlier = resolve(["lib", "other"], AL2)
    for name in ("lib", "other"):
        make_wheel(index, name, "2.0")

    lock = UvResolver().resolve(Question(("lib", "other>1"), AL2), preferences=earlier.pins)

    assert versions(lock) == {"lib": "1.0", "other": "2.0"}


def test_wheels_come_from_a_folder_alone_when_the_index_is_ruled_out(tmp_path: Path) -> None:
    make_wheel(tmp_path / "mine", "private-thing", "1.0")

    lock = resolve(
        ["private-thing"],
        AL2,
        indexes=Indexes(find_links=(str(tmp_path / "mine"),), is_offline=True),
    )

    assert versions(lock) == {"private-thing": "1.0"}


def test_a_wheel_that_cannot_be_had_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    url = "http://user:secret@127.0.0.1:9/lib-1.0-py3-none-any.whl"

    with pytest.raises(Unobtainable, match="lib cannot be had") as raised:
        resolve([f"lib @ {url}"], AL2)

    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "version"),
    [("onnxruntime", "1.16.3"), ("scikit-learn", "1.2.2"), ("pandas", "2.2.1")],
)
def test_what_a_package_needs_and_does_not_state_narrows_the_others(
    index: Path, name: str, version: str
) -> None:
    make_wheel(index, name, version, requires=["numpy"])
    make_wheel(index, "numpy", "1.26.4")
    make_wheel(index, "numpy", "2.2.6")

    lock = resolve([name, "numpy"], AL2)

    assert versions(lock) == {"numpy": "1.26.4", name: version}
    assert lock.inputs is not None
    assert lock.inputs.constraints == ()  # the lock still answers the same question


def test_a_preference_is_kept_to_where_it_can_be_and_installs_nothing(index: Path) -> None:
    """Of what nothing in a model names; a version without a wheel stops nobody."""
    for version in ("1.0", "2.0"):
        make_wheel(index, "lib", version)
    make_wheel(index, "lacking", "2.0")
    make_sdist(index, "lacking", "1.0")
    make_wheel(index, "unused", "1.0")
    preferences = ("lib==1.0", "lacking==1.0", "unused==1.0")

    lock = resolve(["lib", "lacking"], AL2, preferences=preferences)

    assert versions(lock) == {"lib": "1.0", "lacking": "2.0"}
