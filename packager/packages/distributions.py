"""What was installed: each distribution's licence, requirements and files, from its metadata."""

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self

from packaging.metadata import RawMetadata, parse_email
from packaging.utils import canonicalize_name

_LONGEST_LICENSE_NAME = 100
"""In characters. Some projects put the licence's whole text where its name belongs."""
_SAYS_NOTHING = ("", "UNKNOWN", "Dual License")
_NOT_A_MODULE = ("bin", "__pycache__")


@dataclass(frozen=True)
class Distribution:
    """One installed distribution, as its wheel brought it."""

    name: str
    """Normalised, as `scikit-learn`."""
    version: str
    license: str | None
    """An SPDX expression where the project gives one, else its own words, else the name of
    its licence file (below its dist-info); None: it says nothing."""
    requires: tuple[str, ...]
    """The lines of Requires-Dist."""
    size_bytes: int
    """Of all files that it owns."""
    top_level: tuple[str, ...]
    """What it has at the top of the tree besides its dist-info, as `sklearn`,
    `scikit_learn.libs`; below a namespace that others may share, as `nvidia/nccl`."""
    tags: tuple[str, ...]
    """The wheel's own tags, as `cp311-cp311-manylinux_2_17_x86_64`."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build from :meth:`to_dict`'s data."""
        lists = {name: tuple(data[name]) for name in ("requires", "top_level", "tags")}
        return cls(**{**data, **lists})


def read_distributions(tree: Path) -> tuple[Distribution, ...]:
    """Return the distributions that are installed in this folder, sorted by name.

    To be called before trimming, which removes the files' list and so their owner.
    """
    found = (_read(info, tree) for info in tree.glob("*.dist-info"))
    return tuple(sorted(found, key=lambda distribution: distribution.name))


def _read(info: Path, tree: Path) -> Distribution:
    metadata, _ = parse_email(_bytes(info / "METADATA"))
    name, _, version = info.name.removesuffix(".dist-info").partition("-")
    files = tuple(_owned_files(info, tree))
    tops = {_top(path.relative_to(tree), tree) for path in files}
    return Distribution(
        name=canonicalize_name(metadata.get("name", name)),
        version=metadata.get("version", version),
        license=_license(metadata),
        requires=tuple(metadata.get("requires_dist", ())),
        size_bytes=sum(path.stat().st_size for path in files),
        top_level=tuple(sorted(tops - {info.name, *_NOT_A_MODULE})),
        tags=_tags(_bytes(info / "WHEEL").decode(errors="replace")),
    )


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _owned_files(info: Path, tree: Path) -> Iterator[Path]:
    record = _bytes(info / "RECORD").decode()
    if not record:
        # Already trimmed: the names that the project itself gives are the next best.
        names = _bytes(info / "top_level.txt").decode().split() or [info.name.partition("-")[0]]
        for place in (info, *(tree / name for name in names)):
            yield from (path for path in (place, *place.rglob("*")) if path.is_file())
        return
    for row in csv.reader(record.splitlines()):
        path = PurePosixPath(row[0])
        # Scripts name the building machine's interpreter, so their sizes differ, and RECORD has
        # those; neither gets into the bundle.
        if path.parts[0] == "bin" or path.name == "RECORD":
            continue
        if ".." in path.parts or path.is_absolute():
            continue
        if (tree / path).is_file():
            yield tree / path


def _top(path: Path, tree: Path) -> str:
    first, *rest = path.parts
    is_package = (tree / first / "__init__.py").is_file() or first.endswith((".libs", ".dist-info"))
    if not rest or is_package or first in _NOT_A_MODULE:
        return first
    return f"{first}/{rest[0]}"


def _license(metadata: RawMetadata) -> str | None:
    if expression := metadata.get("license_expression"):
        return expression
    name = metadata.get("license", "").strip()
    is_name = "\n" not in name and len(name) <= _LONGEST_LICENSE_NAME
    if is_name and name not in _SAYS_NOTHING:
        return name
    classifiers = (item.split(" :: ") for item in metadata.get("classifiers", ()))
    names = [parts[-1] for parts in classifiers if parts[0] == "License" and len(parts) > 1]
    # "OSI Approved" alone names no licence.
    stated = ", ".join(name for name in names if name != "OSI Approved")
    return stated or next((f"see {file}" for file in metadata.get("license_files", ())), None)


def _tags(wheel: str) -> tuple[str, ...]:
    lines = (line.partition(":") for line in wheel.splitlines())
    return tuple(sorted(value.strip() for key, _, value in lines if key == "Tag"))
