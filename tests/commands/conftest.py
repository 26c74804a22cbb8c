"""What the functional tests share."""

from pathlib import Path

import pytest

from tests.commands.workshop import Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A model that builds, until a test spoils it."""
    return Workshop(tmp_path)
