"""What is made of a lock is kept, and taken only while it is what was made."""

import os
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from packager.aws.runtimes import find_target
from packager.lock.resolve import Question, UvResolver
from packager.packages import prepare as dependencies
from packager.packages.prepare import Dependencies, Packing, prepare_dependencies
from tests.support.commands import ROOT
from tests.support.wheels import make_wheel

TARGET = find_target("python3.11", "x86_64")
A_DAY_S = 24 * 3600


@dataclass
class Talk:
    """Keeps what was said."""

    lines: list[str] = field(default_factory=list)

    def step(self, message: str) -> None:
        self.lines.append(message)

    detail = step


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "dependencies"


def prepare(index: Path, name: str = "lib") -> tuple[Dependencies, bool]:
    """Return what was prepared, and whether it came from the cache."""
    if not list(index.glob(f"{name}-*.whl")):
        make_wheel(index, name, "1.0")
    lock = UvResolver().resolve(Question((name,), TARGET))
    talk = Talk()
    made = prepare_dependencies(lock, TARGET, Packing(), progress=talk)
    return made, any("from the cache" in line for line in talk.lines)


def names(made: Dependencies) -> set[str]:
    with zipfile.ZipFile(made.archive) as archive:
        assert archive.testzip() is None
        return {name.split("/")[0] for name in archive.namelist()}


def test_the_second_build_takes_what_the_first_has_made(index: Path, cache: Path) -> None:
    first, was_there = prepare(index)
    assert not was_there

    assert prepare(index) == (first, True)
    assert names(first) == {"lib", "lib-1.0.dist-info"}


@pytest.mark.parametrize("damage", ["cut", "flip", "no archive", "no facts", "old facts", "empty"])
def test_a_set_that_is_not_as_it_was_made_is_made_again(
    index: Path, cache: Path, damage: str
) -> None:
    first, _ = prepare(index)
    content, facts = first.archive.read_bytes(), first.archive.with_name("facts.json")
    match damage:
        case "cut":
            first.archive.write_bytes(content[:100])
        case "flip":
            first.archive.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
        case "no archive":
            first.archive.unlink()
        case "no facts":
            facts.unlink()
        case "old facts":
            facts.write_text('{"size_bytes": 1}')
        case "empty":
            first.archive.unlink()
            facts.unlink()

    assert prepare(index) == (first, False)
    assert first.archive.read_bytes() == content
    assert prepare(index) == (first, True)


def test_a_cache_that_may_only_be_read_is_used(
    index: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = prepare(index)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "utime", refuse)  # the tests may run as root, who may all

    assert prepare(index) == (first, True)


def test_old_sets_go_and_so_does_what_killed_builds_left_long_ago(
    index: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "_KEPT_SETS", 1)
    old, _ = prepare(index, "old")
    for name, age_s in (("killed", A_DAY_S + 60), ("running", A_DAY_S - 60)):
        partial = cache / f".{name}.1.partial"
        (partial / "tree").mkdir(parents=True)
        os.utime(partial, (time.time() - age_s,) * 2)

    new, _ = prepare(index, "new")

    folders = {path.name for path in cache.iterdir() if path.is_dir()}
    assert folders == {new.archive.parent.name, ".running.1.partial"}
    assert prepare(index, "old") == (old, False)


KEY = """
from packager.packages.prepare import Packing, _key
from packager.lock.pylock import Lock
from packager.aws.runtimes import find_target
lock = Lock.from_pylock("lock-version = '1.0'")
print(_key(lock, find_target("python3.11", "x86_64"), Packing(), None))
"""


@pytest.mark.parametrize(
    "module", ["packages/prepare", "packages/deferral/scopes", "support/zips", "aws/runtimes"]
)
def test_a_set_that_other_code_has_made_is_another_set(tmp_path: Path, module: str) -> None:
    for name in ("packager", "handler"):
        shutil.copytree(ROOT / name, tmp_path / name)

    def key() -> str:
        argv = [sys.executable, "-B", "-c", KEY]
        return subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    before = key()
    assert key() == before
    with (tmp_path / "packager" / f"{module}.py").open("a") as file:
        file.write("# other data\n")

    assert key() != before
