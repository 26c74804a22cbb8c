"""What differs between two bundles: facts, packages, sizes, files, checks."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from handler.manifest import BundleManifest, ModelInfo
from packager.bundle.contents import BundleContents, ZippedFile, read_contents
from packager.bundle.folder import Bundle
from packager.bundle.inspect import describe_column

Kind = Literal["changed", "added", "removed"]


@dataclass(frozen=True)
class Change:
    """One thing that differs; None: it is not in that bundle."""

    name: str
    before: str | None
    after: str | None

    @property
    def kind(self) -> Kind:
        """What became of it."""
        return _kind(self.before, self.after)


@dataclass(frozen=True)
class SizeChange:
    """Bytes of a part of the bundle, in both; 0 where it does not exist."""

    name: str
    before_bytes: int
    after_bytes: int

    @property
    def growth_bytes(self) -> int:
        """Negative when it shrank."""
        return self.after_bytes - self.before_bytes


@dataclass(frozen=True)
class FileChange:
    """One file of function zip or layer that differs; None: it is not in that bundle."""

    path: str
    """As `packager.bundle.contents.ZippedFile.path`."""
    package: str
    """As `packager.bundle.contents.ZippedFile.package`."""
    before_bytes: int | None
    after_bytes: int | None

    @property
    def kind(self) -> Kind:
        """What became of it."""
        return _kind(self.before_bytes, self.after_bytes)


@dataclass(frozen=True)
class BundleDiff:
    """All that differs between two bundles; every part is sorted by name."""

    facts: tuple[Change, ...]
    """Of `bundle.json`: target, model, versions; the name is the path in it, as
    `target.runtime`."""
    model_files: tuple[Change, ...]
    """Digests of the model's files."""
    packages: tuple[Change, ...]
    """Versions."""
    totals: tuple[SizeChange, ...]
    """`zipped`, `unzipped` and `model`, equal or not."""
    package_sizes: tuple[SizeChange, ...]
    """Unzipped; only those that differ."""
    files: tuple[FileChange, ...]
    artifacts: tuple[Change, ...]
    """Digests of the files beside `bundle.json`."""
    checks: tuple[Change, ...]
    """None where one of the two was built without."""
    """Status and detail."""

    @property
    def is_empty(self) -> bool:
        """Whether the bundles are the same."""
        parts = (self.facts, self.model_files, self.packages, self.files)
        return not any((*parts, self.artifacts, self.checks))

    def to_dict(self) -> dict[str, Any]:
        """Return the differences as data for `--json`."""
        return {"version": "1.0", "is_empty": self.is_empty, **dataclasses.asdict(self)}


def diff_bundles(before: Bundle, after: Bundle) -> BundleDiff:
    """Compare two bundles.

    :raises BundleInvalid: the zip or the SBOM of one of them cannot be read.
    """
    old, new = before.manifest, after.manifest
    old_contents = read_contents(before, compared_with=after)
    new_contents = read_contents(after, compared_with=before)
    return BundleDiff(
        facts=_changes(_facts(old), _facts(new)),
        model_files=_changes(_digests(old.model.files), _digests(new.model.files)),
        packages=_changes(_versions(old), _versions(new)),
        totals=tuple(_totals(before, old_contents, after, new_contents)),
        package_sizes=tuple(_package_sizes(old_contents, new_contents)),
        files=tuple(_file_changes(old_contents, new_contents)),
        artifacts=_changes(_digests(old.artifacts), _digests(new.artifacts)),
        checks=_changes(_checks(old), _checks(new)) if old.checks and new.checks else (),
    )


def _kind(before: object, after: object) -> Kind:
    if before is None:
        return "added"
    return "removed" if after is None else "changed"


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    return tuple(
        Change(name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


def _facts(manifest: BundleManifest) -> dict[str, str]:
    """Return everything in the manifest that is not compared in a part of its own."""
    data = dataclasses.asdict(manifest)
    for name in ("artifacts", "checks", "packages", "own_packages"):
        del data[name]
    data["has_layer"] = data.pop("layer") is not None  # its digest is among the artifacts'
    del data["model"]["files"], data["model"]["signature"]
    return {**dict(_leaves("", data)), **dict(_signature(manifest.model))}


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    # An input example is one fact, however deep.
    if isinstance(value, dict) and path != "model.input_example":
        for name, item in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, item)
    elif value is not None:
        yield path, value if isinstance(value, str) else json.dumps(value)


def _signature(info: ModelInfo) -> Iterator[tuple[str, str]]:
    """Yield every column and parameter of the signature."""
    for part, items in (info.signature or {}).items():
        for index, item in enumerate(items or ()):
            yield f"model.signature.{part}.{item.get('name', index)}", describe_column(item)


def _digests(entries: Any) -> dict[str, str]:
    return {entry.path: entry.sha256 for entry in entries}


def _versions(manifest: BundleManifest) -> dict[str, str]:
    own = {f"{item.name} (own Python)": item.version for item in manifest.own_packages}
    return {package.name: package.version for package in manifest.packages} | own


def _checks(manifest: BundleManifest) -> dict[str, str]:
    return {check.name: f"{check.status}: {check.detail}" for check in manifest.checks}


def _totals(
    before: Bundle, old: BundleContents, after: Bundle, new: BundleContents
) -> Iterator[SizeChange]:
    yield SizeChange("zipped", _zipped_size(before), _zipped_size(after))
    yield SizeChange("unzipped", old.unzipped_bytes, new.unzipped_bytes)
    yield SizeChange("model", _model_size(before), _model_size(after))


def _zipped_size(bundle: Bundle) -> int:
    return sum(path.stat().st_size for path in bundle.code_zips)


def _model_size(bundle: Bundle) -> int:
    return sum(entry.size_bytes for entry in bundle.manifest.model.files)


def _package_sizes(before: BundleContents, after: BundleContents) -> Iterator[SizeChange]:
    old, new = _by_package(before), _by_package(after)
    for name in sorted(old.keys() | new.keys()):
        change = SizeChange(name, old.get(name, 0), new.get(name, 0))
        if change.growth_bytes:
            yield change


def _by_package(contents: BundleContents) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for file in contents.files:
        sizes[file.package] = sizes.get(file.package, 0) + file.unzipped_bytes
    return sizes


def _file_changes(before: BundleContents, after: BundleContents) -> Iterator[FileChange]:
    old = {file.path: file for file in before.files}
    new = {file.path: file for file in after.files}
    for path in sorted(old.keys() | new.keys()):
        was, now = old.get(path), new.get(path)
        if _content(was) != _content(now):
            yield FileChange(path, _package(now, was), _size(was), _size(now))


def _package(*files: ZippedFile | None) -> str:
    return next(file.package for file in files if file is not None)


def _content(file: ZippedFile | None) -> tuple[int, int] | None:
    return None if file is None else (file.crc, file.unzipped_bytes)


def _size(file: ZippedFile | None) -> int | None:
    return None if file is None else file.unzipped_bytes
