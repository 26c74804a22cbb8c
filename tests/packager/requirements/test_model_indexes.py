from pathlib import Path

import pytest

from packager.errors import ConfigError
from packager.requirements.model_indexes import named_indexes, with_model_indexes
from packager.support.uv import Indexes

FOLDER = Path("model")
LINES = (
    "--index-url https://index.example.org/simple",
    "scikit-learn==1.7.2",
    "--extra-index-url=https://user:secret@own.example.org/simple/",
)


def test_places_are_named_without_their_logins() -> None:
    assert named_indexes(LINES) == (
        "https://index.example.org/simple",
        "https://***@own.example.org/simple/",
    )


def test_the_users_indexes_come_first() -> None:
    mine = Indexes(index_url="https://mine.example.org", extra_index_urls=("https://extra.org",))

    assert with_model_indexes(Indexes(), LINES, FOLDER).index_url == LINES[0].split()[1]
    both = with_model_indexes(mine, LINES, FOLDER)
    assert both.index_url == "https://mine.example.org"
    assert both.extra_index_urls[0] == "https://extra.org"
    assert both.extra_index_urls[2] == "https://user:secret@own.example.org/simple/"


def test_a_variable_gets_its_value_or_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "--extra-index-url https://${PIP_TOKEN}@own.example.org/simple/"
    monkeypatch.delenv("PIP_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="PIP_TOKEN"):
        with_model_indexes(Indexes(), (line,), FOLDER)

    monkeypatch.setenv("PIP_TOKEN", "s3cr3t")
    (url,) = with_model_indexes(Indexes(), (line,), FOLDER).extra_index_urls
    assert url == "https://s3cr3t@own.example.org/simple/"


def test_a_secret_that_would_be_in_the_lock_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TOKEN", "s3cr3t")
    line = "--extra-index-url https://own.example.org/${PIP_TOKEN}/simple/"

    with pytest.raises(ConfigError, match="lock") as raised:
        with_model_indexes(Indexes(), (line,), FOLDER)
    assert "s3cr3t" not in str(raised.value)


def test_a_folder_of_wheels_is_the_models_own(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()

    found = with_model_indexes(Indexes(), ("--find-links wheels",), tmp_path)
    assert found.find_links == (str(tmp_path / "wheels"),)
    with pytest.raises(ConfigError, match=r"\.\./wheels"):
        with_model_indexes(Indexes(), ("-f ../wheels",), tmp_path)
