"""What the sdist and the wheel hold, and what they are called."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.metadata import Metadata
from packaging.utils import parse_wheel_filename

from packager.errors import DISTRIBUTION, install_hint
from packager.packages.elf import read_elf
from packager.version import __version__
from tests.distribution.conftest import Built
from tests.support.commands import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def in_wheel(built: Built) -> dict[str, bytes]:
    with zipfile.ZipFile(built.wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def in_sdist(built: Built) -> set[str]:
    with tarfile.open(built.sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def in_checkout(*parts: str) -> set[str]:
    found = {path for part in parts for path in (ROOT / part).rglob("*") if path.is_file()}
    names = {path.relative_to(ROOT).as_posix() for path in found}
    return {name for name in names if not re.search(r"__pycache__|/native/", name)}


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_the_wheel_brings_the_tree_walk_compiled(built: Built, architecture: str) -> None:
    library = in_wheel(built)[f"handler/engines/native/trees-{architecture}.so"]

    assert read_elf(library).architecture == architecture


def test_the_wheel_is_for_every_machine_since_its_libraries_are_for_lambda(built: Built) -> None:
    name, version, _, tags = parse_wheel_filename(built.wheel.name)

    assert (name, str(version)) == (DISTRIBUTION, __version__)
    assert [str(tag) for tag in tags] == ["py3-none-any"]


def test_the_wheel_holds_all_of_both_packages_and_nothing_else(built: Built) -> None:
    names = {
        name for name in in_wheel(built) if ".dist-info/" not in name and "/native/" not in name
    }

    assert names == in_checkout("packager", "handler")


def test_the_sdist_holds_what_a_wheel_is_built_from(built: Built) -> None:
    others = {".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "hatch_build.py"}

    assert in_sdist(built) == in_checkout("packager", "handler") | others | {"pyproject.toml"}


def test_an_index_would_take_both(built: Built) -> None:
    twine = Path(sys.executable).with_name("twine")
    command = [twine, "check", "--strict", built.sdist, built.wheel]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("tag", "returncode"), [(f"v{__version__}", 0), ("v9.9", 1)])
def test_a_release_stops_where_the_tag_is_not_the_version(
    built: Built, tag: str, returncode: int
) -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    steps = workflow["jobs"]["build"]["steps"]
    (lines,) = [
        step["run"] for step in steps if step.get("name") == "Compare the tag with the version"
    ]
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", lines],
        cwd=built.wheel.parents[1],
        env=os.environ | {"GITHUB_REF_NAME": tag},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == returncode, done.stdout + done.stderr
    assert ("::error::" in done.stdout) is (returncode == 1)


def test_command_import_and_plugin_keep_their_names(built: Built) -> None:
    (info,) = [name for name in in_wheel(built) if name.endswith("entry_points.txt")]

    assert in_wheel(built)[info].decode().split() == [
        *("[console_scripts]", "packager", "=", "packager.__main__:main"),
        *("[mlflow.deployments]", "lambda", "=", "packager.mlflow_plugin.plugin"),
    ]


def test_every_extra_that_a_hint_names_is_one_of_the_wheels(built: Built) -> None:
    (info,) = [name for name in in_wheel(built) if name.endswith(".dist-info/METADATA")]
    metadata = Metadata.from_email(in_wheel(built)[info])
    sources = "".join(path.read_text() for path in (ROOT / "packager").rglob("*.py"))
    named = set(re.findall(r"install_hint\([\"'](\w+)[\"']\)", sources))

    assert named == {"local", "mlflow", "sklearn"} == set(metadata.provides_extra or ())
    assert install_hint("local") == f"pip install '{metadata.name}[local]'"


def test_in_python_the_name_stands_in_one_place() -> None:
    assert PYPROJECT["project"]["name"] == DISTRIBUTION
    sources = [path for path in (ROOT / "packager").rglob("*") if path.suffix in (".py", ".j2")]
    holders = [path for path in sources if DISTRIBUTION in path.read_text()]

    assert [path.name for path in holders] == ["errors.py"]


def test_nobody_is_told_to_install_the_other_project() -> None:
    places = [*ROOT.glob("*.md"), ROOT / "action.yml"]
    for folder in ("docs", "packager", "handler"):
        found = (ROOT / folder).rglob("*")
        places += [path for path in found if path.suffix in (".md", ".py", ".j2")]
    wrong = re.compile(r"install[^#\n]*[\s'\"]packager(\[|==| @|['\"]?$)", re.MULTILINE)

    assert len(places) > 100
    assert not [path for path in places if wrong.search(path.read_text())]
