import os
from pathlib import Path

import pytest

from tests.conftest import only_one_worker
from tests.machines.targets.roots import Root, make_root
from tests.support.commands import ROOT


@pytest.fixture(scope="session", params=["x86_64", "arm64"])
def root(request: pytest.FixtureRequest, shared_folder: Path) -> Root:
    """Debian 13 for an architecture; kept between runs, for it takes a minute to fetch."""
    assert os.geteuid() == 0, "these tests make other systems' roots: run them as root"
    with only_one_worker(shared_folder):
        return make_root(ROOT / ".tools" / f"debian13-{request.param}", request.param)
