"""Documents name files that are there, and commands of `make` that are there."""

import re
import subprocess

import pytest

from tests.support.commands import ROOT

_FILES = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.split()
_PAGES = [name for name in _FILES if name.endswith(".md") and "recorded" not in name]
_EXAMPLES = {"packager/build/", "packager/build"}
"""What a page names because it is not there."""


@pytest.mark.parametrize("page", [page for page in _PAGES if page != "CHANGELOG.md"])
def test_a_page_names_files_and_targets_that_are_there(page: str) -> None:
    text = (ROOT / page).read_text()
    named = re.findall(r"`(?:pytest )?((?:packager|handler|tests|docs|scripts)/[\w./-]*)", text)
    named += re.findall(r"`([\w/]+\.(?:py|c|j2))`", text)
    missing = {
        name
        for name in named
        if "NAME" not in name
        and name not in _EXAMPLES
        and not any(file == name or file.endswith(f"/{name}") for file in _FILES)
        and not (ROOT / name).exists()
    }
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert not missing
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
