"""Checks of compiled code: machine, symbol versions, and the libraries that it needs."""

from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath

from packager.aws.runtimes import RUNTIMES, Target
from packager.checking.report import Check, Problem, files_are
from packager.checking.zipped import ZipContents
from packager.packages.elf import version_number
from packager.packages.layer import import_path
from packager.packages.linking import Linking


@dataclass(frozen=True)
class OptionalNeed:
    """A file that its package tries to load, and does without where it cannot."""

    glob: str
    """The file's path in the bundle."""
    library: str
    """A glob of the library's name."""
    reason: str


OPTIONAL_NEEDS = (
    OptionalNeed("numba/np/ufunc/tbbpool.*.so", "libtbb.so.*", "numba has other thread pools"),
    OptionalNeed("numba/np/ufunc/omppool.*.so", "libgomp.so.*", "numba has other thread pools"),
    OptionalNeed(
        "onnxruntime/capi/libonnxruntime_providers_*.so", "*", "for GPUs: Lambda has none"
    ),
)

_SHOWN = 3
# Names of packages whose wheels carry what Lambda lacks: to be asked for, not guessed.
_CARRIERS = {"libgomp.so.1": "scikit-learn"}


def check_architecture(contents: ZipContents, target: Target) -> Check:
    """Check that every ELF file is for the target's machine."""
    problems = [
        Problem(
            f"{path} ({contents.owner(path)}) cannot be read as an ELF file: {reason}",
            "Build the bundle again; if it comes from a wheel of yours, build that again.",
        )
        for path, reason in sorted(contents.damaged.items())
    ]
    foreign: dict[tuple[str, str], list[PurePosixPath]] = defaultdict(list)
    for path, elf in sorted(contents.elf_files.items()):
        if elf.architecture != target.architecture:
            foreign[contents.owner(path), elf.architecture].append(path)
    problems += [
        Problem(
            f"{owner}: {files_are(paths)} for {architecture}, the target is {target.architecture}",
            f"Build the bundle again for {target.architecture}, or with --architecture"
            f" {architecture}."
            if architecture in ("x86_64", "arm64")
            else f"Take a wheel of it for {target.machine}.",
        )
        for (owner, architecture), paths in foreign.items()
    ]
    count = len(contents.elf_files)
    return Check.of(
        "architecture", problems, f"all {count} ELF files are for {target.architecture}"
    )


def check_symbol_versions(contents: ZipContents, target: Target) -> Check:
    """Check that the target's C and C++ libraries are new enough for every ELF file."""
    newest = dict(target.runtime.system.symbol_versions)
    linking = Linking(contents.elf_files, target)
    highest: dict[str, tuple[int, ...]] = {}
    too_new: dict[tuple[str, str, str], list[PurePosixPath]] = defaultdict(list)
    for path, elf in sorted(contents.elf_files.items()):
        for version in elf.needed_versions:
            number = version_number(version.name)
            if number is None or number[0] not in newest:
                continue
            if linking.origin(path, version.library) != "system":
                continue
            family, wanted = number
            highest[family] = max(highest.get(family, ()), wanted)
            if wanted > newest[family]:
                too_new[contents.owner(path), family, version.library].append(path)
    problems = [
        _too_new(contents, target, owner, family, library, paths)
        for (owner, family, library), paths in too_new.items()
    ]
    found = ", ".join(
        f"{family}_{_dotted(highest[family])} of {_dotted(newest[family])}"
        for family in newest
        if family in highest
    )
    system = target.runtime.system.name
    return Check.of(
        "symbol versions",
        problems,
        f"the highest needed of what {system} has: {found}" if found else "none are needed",
    )


def check_shared_libraries(
    contents: ZipContents, target: Target, *, is_image: bool = False
) -> Check:
    """Check that every library that an ELF file needs is in the zip or on Lambda.

    :param is_image: it is packaged as a container image.
    """
    linking = Linking(contents.elf_files, target)
    users: dict[str, list[PurePosixPath]] = defaultdict(list)
    spared = []
    for path, library in linking.missing():
        optional = _optional(path, library)
        if optional:
            spared.append(f"{library} is not there for {path}: {optional.reason}")
        else:
            users[library].append(path)
    problems = [
        Problem(
            f"{library} is neither in the bundle nor on Lambda ({target.runtime.system.name});"
            f" needed by {_shown(paths)} ({contents.owner(paths[0])})",
            how_to_get(library, is_image=is_image),
        )
        for library, paths in sorted(users.items())
    ]
    detail = "; ".join(("each that is needed is in the bundle or on Lambda", *spared))
    return Check.of("shared libraries", problems, detail)


def _optional(path: PurePosixPath, library: str) -> OptionalNeed | None:
    for need in OPTIONAL_NEEDS:
        if fnmatch(str(import_path(path)), need.glob) and fnmatch(library, need.library):
            return need
    return None


def _too_new(
    contents: ZipContents,
    target: Target,
    owner: str,
    family: str,
    library: str,
    paths: list[PurePosixPath],
) -> Problem:
    numbers = [
        number[1]
        for path in paths
        for version in contents.elf_files[path].needed_versions
        if (number := version_number(version.name)) and number[0] == family
    ]
    wanted = max(numbers)
    has = dict(target.runtime.system.symbol_versions)[family]
    enough = [
        runtime.name
        for runtime in RUNTIMES
        if dict(runtime.system.symbol_versions)[family] >= wanted
    ]
    way = f", or build for {enough[0]} or newer with --runtime" if enough else ""
    return Problem(
        f"{owner}: {files_are(paths)} compiled for a newer system: wanted"
        f" {family}_{_dotted(wanted)} in {library}, {target.runtime.name} has up to"
        f" {family}_{_dotted(has)}",
        f"Pin a version of it that has a wheel for {target.wheel_platforms[0]} or older{way}.",
    )


def how_to_get(library: str, *, is_image: bool = False) -> str:
    """Return how a bundle comes by a library that Lambda lacks."""
    carrier = _CARRIERS.get(library)
    if carrier:
        return (
            f"Add {carrier} to the bundle with --with {carrier}: its wheel carries a copy, which"
            " is put where Lambda finds it."
        )
    image = (
        "let the Dockerfile install it" if is_image else "build a container image that installs it"
    )
    option = "" if is_image else ": --package image"
    return (
        "Take a wheel that carries its libraries (manylinux), add a package with --with whose"
        f" wheel has a copy of it, or {image}{option}."
    )


def _shown(paths: list[PurePosixPath]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(map(str, paths[:_SHOWN])) + more


def _dotted(number: tuple[int, ...]) -> str:
    return ".".join(map(str, number))
