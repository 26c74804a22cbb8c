"""Checks of the packages in the zip: wheel tags, names, what the runtime ships, bytecode."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from packaging.specifiers import SpecifierSet
from packaging.tags import InvalidTag, parse_tag
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from handler.manifest import PackageEntry
from packager.aws.runtimes import RUNTIME_PACKAGES, RUNTIMES, Target
from packager.checking.report import Check, Problem, files_are
from packager.checking.zipped import DistInfo, ZipContents

_CPYTHON_SUFFIX = re.compile(r"\.(cpython-[^.]+|cp\d[^.]*)\.so$")


def check_wheel_tags(contents: ZipContents, target: Target) -> Check:
    """Check that every wheel says of itself that it loads on the target."""
    problems = []
    untagged = 0
    for info in contents.dist_infos:
        if not info.tags:
            untagged += 1
        elif not _is_loadable(info, target):
            problems.append(
                Problem(
                    f"{info.label} is from a wheel for {', '.join(info.tags)}; wanted:"
                    f" cp{target.runtime.python.replace('.', '')} or py3 on"
                    f" {target.wheel_platforms[0]} or older, or any",
                    "Build the bundle again for this target: `packager build` installs none but"
                    " matching wheels.",
                )
            )
    detail = f"{len(contents.dist_infos) - untagged} wheels are for {target.description}"
    if untagged:
        detail += f"; {untagged} packages have no tags"
    return Check.of("wheel tags", problems, detail)


def check_distributions(contents: ZipContents, packages: Sequence[PackageEntry]) -> Check:
    """Check that the zip has the packages that it says, each of them once.

    Files of two versions would be mixed; what the manifest does not name is in no lock.

    :param packages: those that the manifest names.
    """
    found: dict[str, list[DistInfo]] = defaultdict(list)
    for info in contents.dist_infos:
        found[info.name].append(info)
    named = {str(canonicalize_name(entry.name)): entry.version for entry in packages}
    problems = [
        Problem(
            f"{name} is in the zip in {len(infos)} versions:"
            f" {', '.join(info.version for info in infos)}",
            "Build the bundle again; take out what was added to it by hand.",
        )
        for name, infos in sorted(found.items())
        if len(infos) > 1
    ]
    problems += _differences(named, found)
    return Check.of("package names", problems, f"{len(found)} packages, those of the manifest")


def _differences(named: dict[str, str], found: dict[str, list[DistInfo]]) -> Iterator[Problem]:
    """Yield a problem for what is missing, and one for each package that should not be there."""
    missing = [f"{name} {version}" for name, version in sorted(named.items()) if name not in found]
    if missing:
        yield Problem(
            f"not in the zip, though bundle.json names them: {', '.join(missing)}",
            "Build the bundle again.",
        )
    for info in (infos[0] for _, infos in sorted(found.items()) if len(infos) == 1):
        wanted = named.get(info.name)
        if wanted is None or not _is_same_version(info.version, wanted):
            yield Problem(
                f"{info.label} is in the zip, bundle.json names"
                f" {'its version ' + wanted if wanted else 'no such package'}",
                "Build the bundle again; take out what was added to it by hand.",
            )


def _is_same_version(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def check_runtime_packages(contents: ZipContents) -> Check:
    """Check that what the zip hides of the runtime's packages fits the rest of them."""
    found = {info.name: info for info in contents.dist_infos}
    problems = [*_sdk_problems(found), *_version_problems(found)]
    hidden = [found[package.name].label for package in RUNTIME_PACKAGES if package.name in found]
    detail = "the runtime's own packages are used as they are"
    if hidden:
        detail = f"instead of the runtime's, fitting its others: {', '.join(hidden)}"
    return Check.of("runtime packages", problems, detail)


def check_python_version(contents: ZipContents, target: Target) -> Check:
    """Check that extension modules and bytecode are for the target's Python."""
    digits = target.runtime.python.replace(".", "") + target.runtime.abi_flags
    suffix = f"cpython-{digits}-{target.machine}-linux-gnu"
    names = set(contents.heads)
    problems = list(_suffix_problems(contents, suffix, target))
    magic = target.runtime.bytecode_magic.to_bytes(2, "little") + b"\r\n"
    foreign = [
        name
        for name, head in contents.heads.items()
        if _is_only_bytecode(name, names) and head != magic
    ]
    for owner, paths in _by_owner(contents, foreign).items():
        made_for = _python_of(contents.heads[paths[0]])
        problems.append(
            Problem(
                f"{owner}: {files_are(paths)} compiled for {made_for}, the target has Python"
                f" {target.runtime.python}",
                "Build the bundle again for this target.",
            )
        )
    extensions = sum(name.endswith(".so") for name in names)
    bytecode = sum(_is_only_bytecode(name, names) for name in names)
    return Check.of(
        "Python version",
        problems,
        f"{extensions} extension modules and libraries, {bytecode} bytecode files: none for"
        f" another Python than {target.runtime.python}",
    )


def _is_loadable(info: DistInfo, target: Target) -> bool:
    for text in info.tags:
        try:
            tags = parse_tag(text)
        except (ValueError, InvalidTag):
            continue
        if tags & target.wheel_tags:
            return True
    return False


def _sdk_problems(found: dict[str, DistInfo]) -> Iterator[Problem]:
    sdk = [package.name for package in RUNTIME_PACKAGES if package.is_sdk]
    present = [name for name in sdk if name in found]
    absent = [name for name in sdk if name not in found]
    if present and absent:
        yield Problem(
            f"{', '.join(found[name].label for name in present)} in the zip would work with the"
            f" runtime's own {' and '.join(absent)}, which is of another version",
            f"Take all of {', '.join(sdk)} into the bundle with --keep, or none of them.",
        )


def _version_problems(found: dict[str, DistInfo]) -> Iterator[Problem]:
    for package in RUNTIME_PACKAGES:
        info = found.get(package.name)
        if info is None or not package.needed:
            continue
        try:
            fits = SpecifierSet(package.needed).contains(Version(info.version), prereleases=True)
        except InvalidVersion:
            fits = False
        if not fits:
            yield Problem(
                f"{info.label} in the zip hides the runtime's own from its boto3, which takes"
                f" {package.name}{package.needed}",
                f"Pin {package.name} to such a version in the model's requirements.txt, or with"
                " --constraints.",
            )


def _suffix_problems(contents: ZipContents, suffix: str, target: Target) -> Iterator[Problem]:
    foreign = []
    for name in contents.heads:
        found = _CPYTHON_SUFFIX.search(name)
        if found and found[1] != suffix:
            foreign.append(name)
    for owner, paths in _by_owner(contents, foreign).items():
        found = _CPYTHON_SUFFIX.search(paths[0])
        yield Problem(
            f"{owner}: {files_are(paths)} for {found[1] if found else 'another Python'}; Python"
            f" {target.runtime.python} on {target.architecture} imports {suffix} only",
            "Build the bundle again for this target, or build for the runtime that it is for.",
        )


def _is_only_bytecode(name: str, names: set[str]) -> bool:
    """Tell whether Python imports this bytecode file: no source is there instead of it."""
    path = PurePosixPath(name)
    return (
        path.suffix == ".pyc"
        and path.parent.name != "__pycache__"
        and str(path.with_suffix(".py")) not in names
    )


def _python_of(head: bytes) -> str:
    number = int.from_bytes(head[:2], "little")
    for runtime in RUNTIMES:
        if runtime.bytecode_magic == number:
            return f"Python {runtime.python}"
    return f"another Python (magic number {number})"


def _by_owner(contents: ZipContents, names: Iterable[str]) -> dict[str, list[str]]:
    owners: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        owners[contents.owner(name)].append(name)
    return owners
