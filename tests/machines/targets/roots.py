"""File trees of another Debian release or architecture, whose Python runs here all the same.

debootstrap fetches and verifies the packages; they are unpacked and never configured, so
nothing of the other system runs but its Python: through its own loader, or under qemu.
"""

import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

RELEASE = "trixie"
"""Debian 13, the release with Python 3.13."""
PYTHON = "3.13"
_DEBIAN = {"x86_64": "amd64", "arm64": "arm64"}
_TRIPLETS = {"x86_64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Root:
    """An unpacked system."""

    folder: Path
    architecture: str
    """Lambda's identifier."""
    python: Path
    """Runs its interpreter; takes the arguments of any Python."""


def make_root(folder: Path, architecture: str) -> Root:
    """Return the system in this folder, fetched and unpacked if it is not there yet.

    Needs root and Debian: what is missing of debootstrap and qemu is installed.
    """
    is_foreign = platform.machine() != _MACHINES[architecture]
    _install_tools("debootstrap", *(["qemu-user-static"] if is_foreign else []))
    done = folder / ".unpacked"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _fetch(folder, architecture)
        done.touch()
    return Root(folder, architecture, _python(folder, architecture, is_foreign))


def _install_tools(*packages: str) -> None:
    programs = {"debootstrap": "debootstrap", "qemu-user-static": "qemu-aarch64-static"}
    missing = [name for name in packages if shutil.which(programs[name]) is None]
    if missing:
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-y", "-qq", *missing)


def _fetch(folder: Path, architecture: str) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    # The same place that this system takes its own packages from.
    site = _run("apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages")
    options = ["--foreign", "--variant=minbase", "--include=python3,libstdc++6"]
    mirror = site.split()[0]
    arch = f"--arch={_DEBIAN[architecture]}"
    _run("debootstrap", *options, arch, RELEASE, str(folder), mirror)
    for package in sorted((folder / "var/cache/apt/archives").glob("*.deb")):
        _run("dpkg-deb", "-x", str(package), str(folder))


def _python(folder: Path, architecture: str, is_foreign: bool) -> Path:
    interpreter = folder / "usr" / "bin" / f"python{PYTHON}"
    libraries = folder / "usr" / "lib" / _TRIPLETS[architecture]
    if is_foreign:
        start = f"qemu-aarch64-static -L {folder} -E LD_LIBRARY_PATH=$LD_LIBRARY_PATH"
    else:
        loader = folder / "lib64" / "ld-linux-x86-64.so.2"
        start = f"{loader} --library-path {libraries}:$LD_LIBRARY_PATH"
    script = folder / "python"
    script.write_text(
        f'#!/bin/sh\nexport PYTHONHOME={folder}/usr\nexec {start} {interpreter} "$@"\n'
    )
    script.chmod(0o755)
    return script


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout
