"""Turn requirements into a lock for the target: exact versions, wheels only, with hashes."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Protocol

from packager.aws.runtimes import Target
from packager.errors import DependencyError, ToolFailed
from packager.lock.explain import explain_failure, final_cause
from packager.lock.known_faults import companions_of
from packager.lock.pylock import Lock, LockInputs
from packager.lock.torch_cpu import resolve_without_cuda
from packager.lock.wheel_levels import resolve_between_levels
from packager.model.wheels import without_place
from packager.requirements.logged_with import LoggedWith
from packager.support.uv import Indexes, run_uv

_DISK_FULL = "No space left on device"


@dataclass(frozen=True)
class Question:
    """What is to be resolved."""

    requirements: tuple[str, ...]
    """PEP 508 lines."""
    target: Target
    constraints: tuple[str, ...] = ()
    """PEP 508 lines that narrow versions and install nothing."""
    excluded: tuple[str, ...] = ()
    """Globs of packages that stay out though something requires them."""
    runtime_packages: tuple[str, ...] = ()
    """Resolved with the rest, so that what is in the zip fits them, then left out."""
    indexes: Indexes = field(default_factory=Indexes)
    there: LoggedWith = field(default_factory=LoggedWith)
    """What versions had that the requirements leave open, where the model was logged."""
    least: tuple[str, ...] = ()
    """Constraints that such versions should meet; what asks anew may find them changed."""
    preferences: tuple[str, ...] = ()
    """Pins that are kept to where nothing speaks against it, and install nothing."""

    @property
    def inputs(self) -> LockInputs:
        """What the lock says of its origin.

        Indexes stay out: they may hold passwords. So does what is another for the same model that
        was trained a day later.
        """
        return LockInputs(
            runtime=self.target.runtime.name,
            architecture=self.target.architecture,
            requirements=tuple(sorted(map(without_place, self.requirements))),
            constraints=tuple(sorted(self.constraints)),
            excluded=tuple(sorted(self.excluded)),
        )


class Resolver(Protocol):
    """Resolves requirements for a target."""

    def resolve(self, question: Question, *, preferences: str = "") -> Lock:
        """Return the lock of the question's requirements.

        :param preferences: pins, a line each, that are kept where they fit, besides the question's.
        :raises NoMatchingWheel: a pinned version has no wheel that the target loads.
        :raises ResolutionFailed: they contradict each other.
        :raises IndexUnreachable: the index cannot be read.
        :raises ToolFailed: the disk is full.
        """


class UvResolver:
    """Resolves with uv, always for an explicit platform and never for this machine."""

    def resolve(self, question: Question, *, preferences: str = "") -> Lock:
        """See :meth:`Resolver.resolve`."""
        preferences = "".join(f"{pin}\n" for pin in question.preferences) + preferences
        lock, _ = resolve_without_cuda(
            lambda indexes: _resolve_at(replace(question, indexes=indexes), preferences),
            lambda lock: lock.packages,
            question.indexes,
        )
        return lock.made_from(question.inputs)


def _resolve_at(question: Question, preferences: str) -> Lock:
    def at(target: Target, limits: tuple[str, ...]) -> Lock:
        constraints = (*question.constraints, *question.least, *limits)
        narrowed = replace(question, target=target, constraints=constraints)
        return _resolve_fitting(narrowed, preferences)

    try:
        return at(question.target, ())
    except ToolFailed as error:
        if _DISK_FULL in str(error):
            raise  # no fault of the requirements
        if cause := _final_cause(error, question):
            raise cause from error
        lock = resolve_between_levels(at, question.target, question.indexes)
        if lock is not None:
            return lock
        raise explain_failure(
            error, question.requirements, question.target, question.indexes
        ) from error


def _final_cause(error: ToolFailed, question: Question) -> DependencyError | None:
    python = question.target.runtime.python
    return final_cause(error, question.requirements, python, question.indexes)


def _resolve_fitting(question: Question, preferences: str) -> Lock:
    """Resolve without what is left out, and with what packages need and do not say."""
    lock = _resolve(question, (), preferences)
    left_out = _matching(lock, question.excluded)
    unsaid = companions_of(lock.packages)
    if left_out or unsaid:
        narrowed = replace(question, constraints=(*question.constraints, *unsaid))
        lock = _resolve(narrowed, left_out, preferences)
    return lock


def _resolve(question: Question, left_out: Sequence[str], preferences: str) -> Lock:
    everything = [*question.requirements, *question.runtime_packages]
    pins = _compile(everything, question, left_out=left_out, preferences=preferences)
    # The second pass drops what only the runtime's own packages wanted.
    text = _compile(question.requirements, question, left_out=left_out, pins=pins, pylock=True)
    return Lock.from_pylock(without_place(_without_header(text)))


def _matching(lock: Lock, globs: Sequence[str]) -> list[str]:
    names = [package.name for package in lock.packages]
    return [name for name in names if any(fnmatch(name, glob) for glob in globs)]


def _compile(
    requirements: Sequence[str],
    question: Question,
    *,
    left_out: Sequence[str],
    pins: str = "",
    preferences: str = "",
    pylock: bool = False,
) -> str:
    """Run `uv pip compile` for the target.

    :param pins: requirements lines that the result must agree with where it has them.
    :param preferences: lines that it should agree with where it can.
    """
    args = ["pip", "compile", "-", *question.target.uv_args]
    args += ["--no-header", "--no-annotate", *question.indexes.args]
    if pylock:
        args += ["--format", "pylock.toml"]
    files = {
        "--constraints": pins + "".join(f"{line}\n" for line in question.constraints),
        # An override replaces what packages require; this one never applies.
        "--overrides": "".join(f"{name}; python_version < '0'\n" for name in left_out),
    }
    if preferences:
        files["--output-file"] = preferences  # uv keeps to what its output file held before
    with tempfile.TemporaryDirectory() as folder:
        for option, text in files.items():
            file = Path(folder) / f"{option}.txt"
            file.write_text(text, encoding="utf-8")
            args += [option, str(file)]
        return run_uv(args, stdin="\n".join(requirements))


def _without_header(text: str) -> str:
    # uv's first lines name its own command line; the lock must not depend on where it ran.
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
