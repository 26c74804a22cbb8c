"""Requirement lines as pip, conda and MLflow write them, read as what can be installed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from packager.aws.runtimes import RUNTIMES
from packager.errors import DependencyError
from packager.model.mlmodel import ModelSpec
from packager.model.wheels import as_requirement
from packager.requirements.model_indexes import is_index_option
from packager.requirements.obsolete import RENAMED
from packager.requirements.substitutes import Replacement
from packager.support.redaction import has_login, without_login

_EDITABLE = re.compile(r"(?:-e|--editable)(?:\s+|=)(.+)")
_INCLUDED = re.compile(r"(?:-r|-c|--requirement|--constraint)\b")
# What pip takes behind a requirement, as --hash=sha256:...
_OPTIONS = re.compile(r"\s+--?[A-Za-z].*$")
_REPOSITORY = re.compile(r"(?:git|hg|svn|bzr)\+")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9][\w.-]*)")
# Where conda, conda-forge and Anaconda build: pip freezes it. Any other place may hold a package
# of one's own, and whoever has its name on an index is someone else.
_NAME_FIRST = re.compile(r"[A-Za-z][\w.-]*(?=\s|$)")
_PIN = re.compile(r"\s*([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*==")
_CONDA_BUILD = re.compile(
    r"^file:.*(?:/croot/|/conda-bld/|/feedstock_root/|/build/80754af9/|/perseverance-python-build)"
)
_GPU_BUILD = re.compile(r"(?:cu\d+|rocm[\d.]+|xpu)")
_VARIABLE = re.compile(r"\$\{\w+\}")
_LOGIN = (
    "a URL with a login, which would be in the lock for all to read and belongs into a netrc file"
)
_ONLY_WHEELS = "only wheels are installed, never built"
_SYSTEM = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}


@dataclass(frozen=True)
class IgnoredLine:
    """A line that is no requirement, or none for Lambda."""

    line: str
    reason: str


@dataclass(frozen=True)
class UnreadableLine:
    """A line that asks for what cannot be installed as it says."""

    line: str
    """Without a login."""
    name: str
    """What `--drop` knows it by: the distribution, or the line's own text."""
    reason: str
    """A clause."""


@dataclass
class ReadLines:
    """A model's lines, read."""

    requirements: list[str] = field(default_factory=list)
    """PEP 508."""
    reread: list[Replacement] = field(default_factory=list)
    """Those that ask for something else than is written."""
    ignored: list[IgnoredLine] = field(default_factory=list)
    unreadable: list[UnreadableLine] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)


class _CannotInstall(Exception):
    """Its text is the reason, its `name` the distribution's, where the line has one."""

    def __init__(self, reason: str, name: str | None = None) -> None:
        super().__init__(reason)
        self.name = name


def read_lines(spec: ModelSpec) -> ReadLines:
    """Read the model's requirements and constraints; nothing is raised for a line that is wrong."""
    read = ReadLines()
    hashed = []
    # One name may be on two lines, one of which says the version.
    pinned = {canonicalize_name(match[1]) for match in map(_PIN.match, spec.requirements) if match}
    versions = {name: version for name, version in spec.logged_versions if name not in pinned}
    for written in spec.requirements:
        line = _OPTIONS.sub("", written) if not written.startswith("-") else written
        if "--hash" in written[len(line) :]:
            hashed.append(line)
        if line.startswith("-") and not _EDITABLE.match(line):
            if not is_index_option(line):
                read.ignored.append(IgnoredLine(without_login(line), _why_ignored(line)))
            continue
        try:
            _add(read, line, spec, versions)
        except _CannotInstall as error:
            words = _NAME_FIRST.match(line)
            name = error.name or (words[0] if words else line.rpartition(" ")[2])
            read.unreadable.append(UnreadableLine(without_login(line), name, str(error)))
    if hashed:
        read.ignored.append(
            IgnoredLine(f"--hash of {', '.join(hashed)}", "the lock has hashes of its own")
        )
    _add_constraints(read, spec.constraints)
    return read


def _add(read: ReadLines, line: str, spec: ModelSpec, versions: Mapping[str, str]) -> None:
    requirement, reason = _read(line, spec, versions)
    if requirement.marker and not _applies(requirement.marker):
        reason = f"no runtime of Lambda is meant by: {requirement.marker}"
        read.ignored.append(IgnoredLine(str(requirement).partition(";")[0], reason))
        return
    text = line if reason is None and requirement.url is None else str(requirement)
    read.requirements.append(text)
    if reason is not None:
        read.reread.append(Replacement(without_login(line), text, reason))


def _read(
    line: str, spec: ModelSpec, versions: Mapping[str, str]
) -> tuple[Requirement, str | None]:
    """Return what the line asks for and, where it says something else, why.

    :raises _CannotInstall: it asks for what is no wheel of the model or of an index.
    """
    requirement, reason = _parse(line, spec)
    name = canonicalize_name(requirement.name)
    if requirement.url and "@" in line and _CONDA_BUILD.search(requirement.url):
        version = versions.get(name) or _version_of_wheel(requirement.url)
        requirement = _pinned(requirement, version)
        known = "the version that the model's files name" if version else "its version is left open"
        return requirement, f"conda's pip lists where it was built; {known}"
    if name in RENAMED:
        requirement = Requirement(f"{RENAMED[name]}{_extras_and_marker(requirement)}")
        name = canonicalize_name(requirement.name)
        reason = "that is its name on the index"
    labels = {clause.version.partition("+")[2] for clause in requirement.specifier}
    # PyTorch's own index has those of the CPU.
    if label := next(iter(labels - {"", "cpu"}), None):
        is_gpu = _GPU_BUILD.fullmatch(label)
        reason = "Lambda has no GPU" if is_gpu else f"+{label} is a build that no public index has"
        requirement.specifier = _public(requirement.specifier)
    if not requirement.specifier and not requirement.url and name in versions:
        reason = reason or "the version that the model was logged with"
        requirement = _pinned(requirement, versions[name])
    return requirement, reason


def _parse(line: str, spec: ModelSpec) -> tuple[Requirement, str | None]:
    if editable := _EDITABLE.match(line):
        place = editable[1].strip()
        raise _CannotInstall(f"an editable install: {_ONLY_WHEELS}", _name_in(place) or place)
    if _REPOSITORY.match(line):
        raise _CannotInstall(f"a repository: {_ONLY_WHEELS}", _name_in(line))
    if line.startswith(("https://", "http://")):
        return _of_bare_url(line), None
    try:
        located = as_requirement(line, spec.folder)
    except DependencyError as error:
        raise _CannotInstall(str(error), _name_of_wheel(line)) from error
    try:
        requirement = Requirement(located)
    except InvalidRequirement as error:
        raise _CannotInstall("no requirement that pip could read (PEP 508)") from error
    if located == line and requirement.url:
        _check_url(requirement)
    return requirement, None


def _of_bare_url(line: str) -> Requirement:
    try:
        name = parse_wheel_filename(_file_name(line))[0]
    except InvalidWheelFilename as error:
        raise _CannotInstall(f"an archive of sources: {_ONLY_WHEELS}", _name_in(line)) from error
    requirement = Requirement(f"{name} @ {line}")
    _check_url(requirement)
    return requirement


def _check_url(requirement: Requirement) -> None:
    assert requirement.url is not None
    name, place = requirement.name, urlsplit(requirement.url)
    if _REPOSITORY.match(requirement.url):
        raise _CannotInstall(f"a repository: {_ONLY_WHEELS}", name)
    if has_login(requirement.url) or _VARIABLE.search(requirement.url):
        raise _CannotInstall(_LOGIN, name)
    if place.scheme in ("http", "https") and not place.path.endswith(".whl"):
        raise _CannotInstall(f"an archive of sources: {_ONLY_WHEELS}", name)
    if place.scheme not in ("http", "https") and not _CONDA_BUILD.search(requirement.url):
        raise _CannotInstall("a place on one machine", name)


def _name_in(place: str) -> str | None:
    """Return the distribution's name that a URL tells: after `egg=`, else the repository's."""
    if egg := _EGG.search(place):
        return egg[1]
    if "://" not in place:
        return None
    last = PurePosixPath(urlsplit(place).path.partition("@")[0]).name
    return last.removesuffix(".git") or None


def _name_of_wheel(place: str) -> str | None:
    try:
        return str(parse_wheel_filename(_file_name(place))[0])
    except InvalidWheelFilename:
        return None


def _version_of_wheel(place: str) -> str | None:
    try:
        return str(parse_wheel_filename(_file_name(place))[1])
    except InvalidWheelFilename:
        return None


def _file_name(url: str) -> str:
    return unquote(PurePosixPath(urlsplit(url).path).name)


def _pinned(requirement: Requirement, version: str | None) -> Requirement:
    pin = f"=={version}" if version else ""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return Requirement(f"{requirement.name}{extras}{pin}{marker}")


def _extras_and_marker(requirement: Requirement) -> str:
    # PyPI's `sklearn` has versions of its own, 0.0 and some more, which say nothing.
    specifier = "" if str(requirement.specifier).startswith("==0.0") else requirement.specifier
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return f"{specifier}{marker}"


def _public(specifier: SpecifierSet) -> SpecifierSet:
    clauses = (f"{clause.operator}{clause.version.partition('+')[0]}" for clause in specifier)
    return SpecifierSet(",".join(clauses))


def _applies(marker: Marker) -> bool:
    """Tell whether a marker is true on any runtime of Lambda."""
    return any(marker.evaluate(environment) for environment in _environments())


def _environments() -> Iterator[dict[str, str]]:
    for runtime in RUNTIMES:
        for machine in ("x86_64", "aarch64"):
            python = {
                "python_version": runtime.python,
                "python_full_version": f"{runtime.python}.0",
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
            }
            yield {**_SYSTEM, **python, "platform_machine": machine}


def _why_ignored(line: str) -> str:
    if _INCLUDED.match(line):
        return "there is no such file in the model folder"
    return "an option of pip's"


def _add_constraints(read: ReadLines, lines: Sequence[str]) -> None:
    for written in lines:
        line = _OPTIONS.sub("", written)
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            read.ignored.append(IgnoredLine(without_login(line), "it is no constraint"))
            continue
        if requirement.url:
            read.ignored.append(IgnoredLine(without_login(line), "a constraint has no URL"))
        else:
            requirement.specifier = _public(requirement.specifier)
            read.constraints.append(str(requirement))
