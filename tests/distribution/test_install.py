"""The wheel, installed as users install it: into an environment that has nothing yet."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from packager.bundle.folder import read_bundle
from packager.errors import DISTRIBUTION
from packager.version import __version__
from tests.conftest import Example
from tests.distribution.conftest import PYTHON, Built, Machine

COMPILERS = ("cc", "gcc", "clang", "zig", "c++", "g++", "tcc")
LIBRARY = "handler/engines/native/trees-x86_64.so"


def by_uv(machine: Machine, wheel: Path) -> Path:
    machine.run("uv", "tool", "install", "--python", PYTHON, wheel)
    return Path("tools") / DISTRIBUTION


def by_pipx(machine: Machine, wheel: Path) -> Path:
    machine.run("pipx", "install", "--python", PYTHON, wheel)
    return Path("pipx") / "venvs" / DISTRIBUTION


def by_pip(machine: Machine, wheel: Path) -> Path:
    machine.run(PYTHON.name, "-m", "venv", "env")
    machine.run(Path("env/bin/python"), "-m", "pip", "install", "--quiet", wheel)
    (machine.folder / "bin").symlink_to("env/bin")
    return Path("env")


@pytest.mark.parametrize("install", [by_uv, by_pipx, by_pip])
def test_the_command_runs_and_no_compiler_came_along(
    built: Built, machine: Machine, install: Callable[[Machine, Path], Path]
) -> None:
    python = install(machine, built.wheel) / "bin" / "python"

    done = machine.run(Path("bin/packager"), "--version")
    assert done.stdout == f"packager, version {__version__}\n"
    spec = "import importlib.util as u, handler; print(handler.__file__, u.find_spec('ziglang'))"
    place, zig = machine.run(python, "-c", spec).stdout.split()
    assert Path(place).is_relative_to(machine.folder)
    assert zig == "None"


@pytest.mark.runtime
def test_a_model_is_compiled_and_checked_where_there_is_no_compiler(
    built: Built, machine: Machine, example: Example
) -> None:
    machine.add(example.training_python.resolve())
    assert not [name for name in COMPILERS if shutil.which(name, path=str(machine.path))]
    by_uv(machine, built.wheel)

    build = ("build", example.folder, "--output", "dist", "--optimize", "arrays")
    machine.run(Path("bin/packager"), *build)

    bundle = read_bundle(machine.folder / "dist")
    assert bundle.manifest.model.engine.name == "arrays"
    assert {check.status for check in bundle.manifest.checks} == {"passed"}
    with (
        zipfile.ZipFile(machine.folder / "dist" / "function.zip") as function,
        zipfile.ZipFile(built.wheel) as wheel,
    ):
        assert function.read(LIBRARY) == wheel.read(LIBRARY)
