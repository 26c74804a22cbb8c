"""Give libraries that Lambda lacks to the packages that need them, out of other wheels.

A wheel may count on a library of the system that Lambda does not have: lightgbm on gcc's
OpenMP, libgomp.so.1. Another wheel in the bundle often carries it, under a name of its own.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packager.aws.runtimes import Target
from packager.packages.elf import MAGIC, Elf, ElfDamaged, read_elf
from packager.packages.linking import LIBRARY_FOLDER, Linking


@dataclass(frozen=True)
class ProvidedLibrary:
    """A copy of a library, put where Lambda's loader looks."""

    name: str
    """What it is needed as, and its file's name in `lib/`: `libgomp.so.1`."""
    source: str
    """The file that it is a copy of, relative to the staging dir."""
    needed_by: tuple[str, ...]
    """Files, relative to the staging dir."""
    size_bytes: int


def provide_libraries(staging: Path, target: Target) -> tuple[ProvidedLibrary, ...]:
    """Copy into `staging/lib` each library that a file needs and only another wheel carries.

    What no wheel carries stays missing: `packager check` reports it. The same staging dir
    gives the same copies.
    """
    files = dict(_elf_files(staging, target))
    provided: list[ProvidedLibrary] = []
    # A copy may need others: those lie beside the original, and not beside the copy.
    while found := list(_next(files, target)):
        for library, source, needed_by in found:
            copy = LIBRARY_FOLDER / library
            (staging / copy).parent.mkdir(exist_ok=True)
            shutil.copyfile(staging / source, staging / copy)
            (staging / copy).chmod(0o755)
            files[copy] = files[source]
            size_bytes = (staging / copy).stat().st_size
            provided.append(ProvidedLibrary(library, str(source), needed_by, size_bytes))
    return tuple(provided)


def _elf_files(staging: Path, target: Target) -> Iterator[tuple[PurePosixPath, Elf]]:
    for path in staging.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    continue
            try:
                elf = read_elf(path.read_bytes())
            except ElfDamaged:  # the check says so
                continue
            if elf.architecture == target.architecture:
                yield PurePosixPath(path.relative_to(staging).as_posix()), elf


def _next(
    files: dict[PurePosixPath, Elf], target: Target
) -> Iterator[tuple[str, PurePosixPath, tuple[str, ...]]]:
    """Yield name, source and users of each library that can be provided now."""
    linking = Linking(files, target)
    wanted: dict[str, list[PurePosixPath]] = {}
    for path, library in linking.missing():
        wanted.setdefault(library, []).append(path)
    for library, users in sorted(wanted.items()):
        versions = {
            version.name
            for user in users
            for version in files[user].needed_versions
            if version.library == library
        }
        for source in linking.carriers(library):
            if versions <= files[source].defined_versions:
                yield library, source, tuple(map(str, users))
                break
