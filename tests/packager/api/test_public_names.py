"""What `import packager` offers, what it costs, and the page that describes it."""

import re
import subprocess
import sys

import pytest

import packager
from tests.support.commands import ROOT

PAGE = (ROOT / "docs" / "python-api.md").read_text()


def test_every_public_name_is_there_and_documented() -> None:
    assert set(packager.__all__) <= set(dir(packager))
    for name in packager.__all__:
        value = getattr(packager, name)
        assert value.__doc__, name
        assert re.search(rf"\b{name}\b", PAGE), name
    functions = {name for name in packager.__all__ if name.islower()}
    assert set(re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE)) == functions


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'bulid'"):
        packager.bulid  # noqa: B018


def test_public_functions_hide_no_room_and_no_room_hides_them() -> None:
    rooms = {path.parent.name for path in (ROOT / "packager").glob("*/__init__.py")}

    assert not rooms & set(packager.__all__)


def test_the_import_alone_brings_nothing_along() -> None:
    code = (
        "import sys; before = set(sys.modules); import packager;"
        "print(sorted(m for m in set(sys.modules) - before if '.' not in m))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    brought = set(re.findall(r"'(\w+)'", done.stdout))

    assert brought <= {"packager", "typing", *sys.stdlib_module_names}
    assert not brought & {"boto3", "numpy", "click", "handler"}


@pytest.mark.parametrize("name", ["status", "roll_back", "deploy", "publish"])
def test_what_goes_with_finished_bundles_does_not_import_what_builds_them(name: str) -> None:
    code = f"import sys, packager; packager.{name}; print('packager.building' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert done.stdout == "False\n"
