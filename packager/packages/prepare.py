"""The dependencies of a bundle: installed, trimmed, compiled, zipped; once for each lock.

Models that are trained in one environment have one lock, so what is made of it is kept in
the user's cache: the next build copies the archive.
"""

import contextlib
import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Self

from handler.manifest import PackedEntry
from packager.aws.runtimes import Target
from packager.lock.pylock import Lock
from packager.packages import (
    bytecode,
    distributions,
    gpu_code,
    install,
    layer,
    on_demand,
    parquet,
    shared_libraries,
    size_limit,
    strip,
    trim,
)
from packager.packages.distributions import Distribution
from packager.packages.shared_libraries import ProvidedLibrary
from packager.progress import LOGGED, Progress
from packager.support.atomic import remove_whole
from packager.support.cache import build_once, cache_key, cache_root
from packager.support.digests import hash_file
from packager.support.interpreters import find_python
from packager.support.uv import Indexes
from packager.support.zips import write_archive

_ARCHIVE = "dependencies.zip"
_FACTS = "facts.json"
_KEPT_SETS = 12
"""In the cache, of about 75 MB each."""


@dataclass(frozen=True)
class Packing:
    """How dependencies are laid out in the zip."""

    is_trimmed: bool = True
    """Without what no prediction needs."""
    is_sourceless: bool = True
    """Bytecode in the sources' place, not beside them."""
    is_deferred: bool = True
    """Libraries import what they need when they first use it: not beside sources, which would
    not be what runs."""
    packs_parquet_reader: bool = False
    packs_packages: bool = False
    """What a compiled model seldom needs is in archives."""
    is_layer: bool = False
    """A whole zip, for a Lambda layer, not one to which the function's own files are added."""


@dataclass(frozen=True)
class Facts:
    """What is known of a set of dependencies."""

    untrimmed_bytes: int
    """As the wheels unpack."""
    size_bytes: int
    """What Lambda counts of it."""
    python: str | None
    """Version of the interpreter that compiled it, as `3.11.7`; None: not compiled."""
    trimmed: tuple[trim.Trimmed, ...]
    parquet_reader: parquet.PackedReader | None
    packed: tuple[PackedEntry, ...]
    provided_libraries: tuple[ProvidedLibrary, ...]
    largest: tuple[tuple[str, int], ...]
    """Top-level names with their bytes, largest first."""
    distributions: tuple[Distribution, ...]
    archive_sha256: str

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build from `dataclasses.asdict`'s data that went through JSON."""
        reader = data["parquet_reader"]
        libraries = (
            {**item, "needed_by": tuple(item["needed_by"])} for item in data["provided_libraries"]
        )
        return cls(
            untrimmed_bytes=data["untrimmed_bytes"],
            size_bytes=data["size_bytes"],
            python=data["python"],
            trimmed=tuple(trim.Trimmed(**item) for item in data["trimmed"]),
            parquet_reader=reader and parquet.PackedReader(**reader),
            packed=tuple(PackedEntry.from_dict(item) for item in data["packed"]),
            provided_libraries=tuple(ProvidedLibrary(**item) for item in libraries),
            largest=tuple((name, size) for name, size in data["largest"]),
            distributions=tuple(Distribution.from_dict(item) for item in data["distributions"]),
            archive_sha256=data["archive_sha256"],
        )


@dataclass(frozen=True)
class Dependencies:
    """A set of dependencies in the cache."""

    archive: Path
    """A zip that the bundle's own files are added to, or a layer's."""
    facts: Facts


def prepare_dependencies(
    lock: Lock,
    target: Target,
    packing: Packing,
    *,
    indexes: Indexes | None = None,
    progress: Progress = LOGGED,
) -> Dependencies:
    """Return the lock's wheels as the bundle carries them; made at the first call.

    :raises ToolFailed: a download failed, or a wheel differs from its hash.
    :raises ConfigError: the cache cannot be written.
    """
    python = find_python(target.runtime.python)
    version = _version(python) if python else None
    key = _key(lock, target, packing, version)
    folder = cache_root() / "dependencies" / key

    was_cached = True

    def build(partial: Path) -> None:
        nonlocal was_cached
        was_cached = False
        _build(partial, lock, target, packing, version, indexes or Indexes(), progress)

    build_once(folder, build, is_usable=_is_whole, progress=progress)
    with contextlib.suppress(OSError):  # a cache that may only be read, or is read by others
        if was_cached:
            os.utime(folder)
        else:
            forget_old_sets(folder.parent)
    if was_cached:
        progress.step(f"Taking {len(lock.packages)} packages from the cache: built before")
    return Dependencies(folder / _ARCHIVE, _read_facts(folder))


def _read_facts(folder: Path) -> Facts:
    return Facts.from_dict(json.loads((folder / _FACTS).read_bytes()))


def _is_whole(folder: Path) -> bool:
    """Tell whether the set is as it was made; caches are copied between machines."""
    try:
        wanted = _read_facts(folder).archive_sha256
        return hash_file(folder / _ARCHIVE) == wanted
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _build(
    folder: Path,
    lock: Lock,
    target: Target,
    packing: Packing,
    version: str | None,
    indexes: Indexes,
    progress: Progress,
) -> None:
    tree = folder / "tree"
    tree.mkdir()
    progress.step(f"Installing {len(lock.packages)} packages for {target.description}")
    install.install_lock(lock, target, tree, indexes)
    untrimmed_bytes = trim.tree_size(tree)
    found = distributions.read_distributions(tree)
    libraries = shared_libraries.provide_libraries(tree, target)
    for library in libraries:
        progress.detail(f"{library.name}: Lambda has none, a copy comes from {library.source}")
    trimmed = _trim(tree, target, progress) if packing.is_trimmed else ()
    progress.detail(
        f"{untrimmed_bytes / 1e6:.1f} MB, trimmed to {trim.tree_size(tree) / 1e6:.1f} MB"
    )
    reader = None
    if packing.packs_parquet_reader:
        progress.step("Packing the parquet reader")
        reader = parquet.pack_reader(tree)
    if version:
        progress.step(f"Compiling to bytecode with Python {version}")
        bytecode.compile_bytecode(
            tree,
            target,
            task_folder=str(layer.PACKAGES_ROOT) if packing.is_layer else bytecode.TASK_ROOT,
            keep_sources=not packing.is_sourceless,
            defers=packing.is_deferred and packing.is_sourceless,
        )
    archives = on_demand.pack_packages(tree) if packing.packs_packages else ()
    size_bytes, largest = trim.tree_size(tree), size_limit.largest_packages(tree)
    progress.step(f"Zipping {size_bytes / 1e6:.1f} MB")
    if packing.is_layer:
        layer.arrange_layer(tree)
    entry = write_archive(tree, folder / _ARCHIVE)
    shutil.rmtree(tree)
    facts = Facts(
        untrimmed_bytes=untrimmed_bytes,
        size_bytes=size_bytes,
        python=version,
        trimmed=trimmed,
        parquet_reader=reader,
        packed=archives,
        provided_libraries=libraries,
        largest=tuple(largest),
        distributions=found,
        archive_sha256=entry.sha256,
    )
    (folder / _FACTS).write_text(json.dumps(asdict(facts)), encoding="utf-8")


def _trim(tree: Path, target: Target, progress: Progress) -> tuple[trim.Trimmed, ...]:
    trimmed = list(trim.trim_tree(tree))
    if strip_name := strip.strip_version(target):
        saved_bytes = strip.strip_libraries(tree)
        reason = f"symbols for debuggers: {strip_name}"
        trimmed.append(trim.Trimmed("**/*.so", reason, saved_bytes))
    else:
        progress.detail("shared libraries keep their symbols: no GNU strip for the target here")
    # After `strip`, which does not keep what is made here of the segments.
    for rule in gpu_code.GPU_RULES:
        saved_bytes = gpu_code.remove_gpu_code(tree, rule)
        trimmed.append(trim.Trimmed(rule.glob, rule.reason, saved_bytes))
    return tuple(trimmed)


def _version(python: Path) -> str:
    argv = [str(python), "-I", "-S", "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def _key(lock: Lock, target: Target, packing: Packing, version: str | None) -> str:
    tools = [version, strip.strip_version(target) if packing.is_trimmed else None]
    place = [target.runtime.name, target.architecture]
    facts = [lock.wheels, place, asdict(packing), tools]
    rooms = ("packager.packages", "packager.support", "packager.aws")
    # What a wheel may hold is decided where the handler decides it of a model.
    sources = (*map(resources.files, rooms), resources.files("handler") / "manifest.py")
    return cache_key(facts, sources=sources)


def forget_old_sets(parent: Path) -> None:
    """Remove all but the latest sets from a folder of the cache."""
    sets = sorted(
        (path for path in parent.iterdir() if path.is_dir() and not path.name.startswith(".")),
        key=lambda path: path.stat().st_mtime,
    )
    for old in sets[:-_KEPT_SETS]:
        remove_whole(old)
