"""Sizes and digests of files, as the manifest pins them."""

import hashlib
from pathlib import Path

from handler.manifest import FileEntry


def hash_file(path: Path) -> str:
    """Return the sha256 of the file's bytes as lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_entry(path: Path, name: str) -> FileEntry:
    """Return size and sha256 of a file, to be known as `name`."""
    return FileEntry(name, path.stat().st_size, hash_file(path))
