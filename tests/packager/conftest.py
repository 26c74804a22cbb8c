from pathlib import Path

import pytest

from tests.support.late_modules import Run, runner


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all the index there is."""
    folder = tmp_path / "index"
    folder.mkdir()
    settings = tmp_path / "uv.toml"
    settings.write_text(f"no-index = true\nfind-links = [{str(folder)!r}]\n")
    monkeypatch.setenv("UV_CONFIG_FILE", str(settings))
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Compile modules and run code with them: see `late_modules.runner`."""
    return runner(tmp_path)
