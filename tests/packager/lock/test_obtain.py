import os
import time
from pathlib import Path

import pytest

from packager.aws.runtimes import find_target
from packager.errors import ConfigError, LockDrift
from packager.lock.obtain import LockPolicy, obtain_lock
from packager.lock.pylock import Lock, read_lock
from packager.lock.resolve import Question, UvResolver
from packager.support.uv import Indexes
from tests.support.wheels import make_wheel

AL2 = find_target("python3.11", "x86_64")


@pytest.fixture(autouse=True)
def _one_release(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the index, with a cache of this test's own."""
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))
    make_wheel(index, "lib", "1.0")


def obtain(*requirements: str, **others) -> Lock:
    return obtain_lock(Question(requirements, AL2), UvResolver(), **others)


def version(lock: Lock) -> str:
    return lock.packages[0].version


def test_a_lock_answers_the_same_question_without_being_asked_again(index: Path) -> None:
    earlier = obtain("lib")
    make_wheel(index, "lib", "2.0")

    assert obtain("lib", earlier=earlier) == earlier
    assert version(obtain("lib", earlier=earlier, policy=LockPolicy.UPGRADE)) == "2.0"


def test_a_lock_says_what_it_was_made_from_when_it_is_read_back(
    index: Path, tmp_path: Path
) -> None:
    lock = obtain("lib>=1")
    (tmp_path / "pylock.toml").write_text(lock.text)

    assert read_lock(tmp_path / "pylock.toml") == lock


def test_other_requirements_keep_the_locks_versions_where_they_fit(index: Path) -> None:
    make_wheel(index, "more", "1.0")
    earlier = obtain("lib")
    make_wheel(index, "lib", "2.0")

    lock = obtain("lib", "more", earlier=earlier)

    assert [package.version for package in lock.packages] == ["1.0", "1.0"]


def test_locked_refuses_drift_and_shows_it(index: Path) -> None:
    earlier = obtain("lib==1.0")

    with pytest.raises(LockDrift) as raised:
        obtain("lib>=1", earlier=earlier, policy=LockPolicy.LOCKED)

    assert "- lib==1.0" in str(raised.value)
    assert "+ lib>=1" in str(raised.value)
    assert raised.value.exit_code == 3


def test_locked_without_a_lock_is_a_mistake_in_the_call(index: Path) -> None:
    with pytest.raises(ConfigError, match="--locked"):
        obtain("lib", policy=LockPolicy.LOCKED)


@pytest.fixture
def _remote_index(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same wheels as an index that is not looked into each time."""
    settings = tmp_path / "index.toml"
    settings.write_text(f'[[index]]\nurl = "{index}"\nformat = "flat"\ndefault = true\n')
    monkeypatch.setenv("UV_CONFIG_FILE", str(settings))


@pytest.mark.usefixtures("_remote_index")
def test_the_same_question_of_another_model_is_answered_from_the_cache(index: Path) -> None:
    obtain("lib")
    make_wheel(index, "lib", "2.0")

    assert version(obtain("lib")) == "1.0"


@pytest.mark.usefixtures("_remote_index")
def test_another_index_in_uvs_configuration_is_asked_anew(index: Path, tmp_path: Path) -> None:
    obtain("lib")
    make_wheel(index, "lib", "2.0")
    with (tmp_path / "index.toml").open("a") as settings:
        settings.write("# another\n")

    assert version(obtain("lib")) == "2.0"


@pytest.mark.usefixtures("_remote_index")
def test_a_day_later_the_index_is_asked_again(index: Path, tmp_path: Path) -> None:
    obtain("lib")
    make_wheel(index, "lib", "2.0")
    yesterday = time.time() - 25 * 3600
    for path in (tmp_path / "cache" / "locks").iterdir():
        os.utime(path, (yesterday, yesterday))

    assert version(obtain("lib")) == "2.0"


def test_a_folder_of_wheels_is_always_looked_into(index: Path, tmp_path: Path) -> None:
    def ask() -> Lock:
        question = Question(
            ("lib",), AL2, indexes=Indexes(find_links=(str(index),), is_offline=True)
        )
        return obtain_lock(question, UvResolver())

    ask()
    make_wheel(index, "lib", "2.0")

    assert version(ask()) == "2.0"


@pytest.mark.parametrize("text", ["[[packages]]\nversion = 1\n", "not toml", "packages = 3\n"])
def test_a_file_that_is_no_lock_is_refused_with_the_way_out(text: str, tmp_path: Path) -> None:
    path = tmp_path / "pylock.toml"
    path.write_text(text)

    with pytest.raises(ConfigError, match="is no lock") as raised:
        read_lock(path)

    assert "--upgrade" in str(raised.value.hint)
