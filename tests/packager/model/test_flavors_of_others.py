"""Rows that other packages add to the table of flavors: what is wrong with them is told."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handler.manifest import ModelInfo
from packager.bundle.skeleton import copy_handler
from packager.errors import ConfigError, ModelError
from packager.model.flavors.flavor import Flavor
from packager.model.flavors.sections import Sections
from packager.model.flavors.table import known_flavors, read_flavor

ROW = """\
from packager.model.flavors.flavor import Flavor
FLAVOR = Flavor("line", "lines.mlflow", (), read=print, loader={loader!r})
"""


def flavor(read: Any) -> Flavor:
    return Flavor("line", "lines.mlflow", (), read=read)


def sections(folder: Path) -> Sections:
    return Sections(folder, {}, {}, {}, [])


def test_a_row_that_fails_is_named(tmp_path: Path) -> None:
    def read(sections: Sections) -> ModelInfo:
        return ModelInfo("line", sections.flavor["data"], "json")

    with pytest.raises(ConfigError, match=r"'line' of another package .* KeyError: 'data'"):
        read_flavor(flavor(read), sections(tmp_path))


def test_a_row_that_reads_something_else_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'line' of another package reads a dict"):
        read_flavor(flavor(lambda sections: {}), sections(tmp_path))


def test_what_a_row_says_itself_is_passed_on(tmp_path: Path) -> None:
    def read(sections: Sections) -> ModelInfo:
        raise ModelError("a line has two ends")

    with pytest.raises(ModelError, match="a line has two ends"):
        read_flavor(flavor(read), sections(tmp_path))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of packages with one of another flavor; its row is `row.py`."""
    folder = tmp_path / "installed"
    (folder / "lines-1.0.dist-info").mkdir(parents=True)
    (folder / "lines-1.0.dist-info" / "METADATA").write_text("Name: lines\nVersion: 1.0\n")
    (folder / "lines-1.0.dist-info" / "entry_points.txt").write_text(
        "[packager.flavors]\nline = row_of_lines:FLAVOR\n"
    )
    (folder / "broken_lines.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(folder)
    known_flavors.cache_clear()
    yield folder
    known_flavors.cache_clear()


@pytest.mark.parametrize("loader", ["nopkg.sub.load", "broken_lines.load", "nothing", ".x", ""])
def test_a_loader_that_is_not_there_is_named(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loader: str
) -> None:
    monkeypatch.delitem(sys.modules, "row_of_lines", raising=False)
    (installed / "row_of_lines.py").write_text(ROW.format(loader=loader))
    with pytest.raises(ConfigError, match=f"the source of {loader}, a flavor's loader"):
        copy_handler(tmp_path / "bundle", "line")
