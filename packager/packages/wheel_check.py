"""Refuse wheels that bring something else than they say (PEP 427)."""

import csv
import stat
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from handler.manifest import stays_inside
from packager.errors import WheelInvalid

_WITHOUT_DIGEST = ("RECORD", "RECORD.jws", "RECORD.p7s")


def check_local_wheels(lock_text: str) -> None:
    """Check the names inside those of the lock's wheels that are files on this machine.

    uv leaves out what would land outside of its folder, writes a link's target into a file,
    and says neither.

    :raises WheelInvalid: names the wheel and the path.
    """
    for path in _local_wheels(tomllib.loads(lock_text)):
        try:
            with zipfile.ZipFile(path) as wheel:
                members = wheel.infolist()
        except (OSError, zipfile.BadZipFile) as error:
            raise WheelInvalid(f"the wheel {path.name} cannot be read: {error}") from error
        for member in members:
            if not stays_inside(member.filename):
                raise WheelInvalid(
                    f"the wheel {path.name} has a path outside of its folder: {member.filename}"
                )
            if stat.S_ISLNK(member.external_attr >> 16):
                raise WheelInvalid(f"the wheel {path.name} has a symbolic link: {member.filename}")


def check_installed(tree: Path) -> None:
    """Check that what was installed is what the wheels' RECORD files answer for by a digest.

    :raises WheelInvalid: names the file.
    """
    for record in sorted(tree.glob("*.dist-info/RECORD")):
        for row in csv.reader(record.read_text(encoding="utf-8").splitlines()):
            path, digest = PurePosixPath(row[0]), row[1]
            if not digest and path.name not in _WITHOUT_DIGEST:
                name = record.parent.name.removesuffix(".dist-info").replace("-", " ")
                raise WheelInvalid(
                    f"the wheel of {name} brings {path}, and its RECORD does not answer for it"
                )


def _local_wheels(document: dict[str, Any]) -> Iterator[Path]:
    for package in document.get("packages", []):
        sources = [*package.get("wheels", []), package.get("archive", {})]
        for source in sources:
            place = urlsplit(source.get("url", ""))
            if place.scheme == "file":
                yield Path(unquote(place.path))
            elif source.get("path", "").endswith(".whl"):
                yield Path(source["path"])
