"""Folders that stand for /var/task: unpacked, read-only, and slightly different copies."""

import os
import shutil
import zipfile
from pathlib import Path


def unpack(zip_path: Path, folder: Path) -> Path:
    """Unpack a function's zip into a new read-only folder."""
    remove(folder)
    with zipfile.ZipFile(zip_path) as archive:
        archive.extractall(folder)
    return lock(folder)


def linked_copy(source: Path, folder: Path) -> Path:
    """Return a writable copy of a folder that shares its files: replace them, never write them."""
    remove(folder)
    shutil.copytree(source, folder, copy_function=os.link)
    for path in (folder, *folder.rglob("*/")):
        path.chmod(0o755)
    return folder


def lock(folder: Path) -> Path:
    """Take everybody's right to write from the folder and return it."""
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    folder.chmod(0o555)
    return folder


def remove(folder: Path) -> None:
    """Delete a folder, locked or not; gone already is fine."""
    if folder.exists():
        for path in (folder, *folder.rglob("*/")):
            path.chmod(0o755)
        shutil.rmtree(folder)
