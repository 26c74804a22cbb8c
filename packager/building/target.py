"""Choose the target of a bundle, together with the lock that proves it possible."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from packager.aws.runtimes import RUNTIMES, Target, find_target, runtime_for_python
from packager.building.config import BuildConfig
from packager.errors import (
    DependencyError,
    ModelError,
    NoMatchingWheel,
    PackagerError,
    PythonMismatch,
    ResolutionFailed,
)
from packager.local.old_python import FLAVORS as OLD_FLAVORS, is_old
from packager.lock.known_faults import check_faults
from packager.lock.logged_day import newer_when_logged
from packager.lock.obtain import LockPolicy, obtain_lock
from packager.lock.pylock import Lock
from packager.lock.resolve import Question, Resolver
from packager.model.bytecode_python import bytecode_python, object_files
from packager.model.mlmodel import ModelSpec
from packager.model.pickle_bytecode import holds_bytecode
from packager.progress import Progress
from packager.requirements.logged_with import LoggedWith, logged_with
from packager.requirements.select import RUNTIME_PACKAGES, Requirements
from packager.support.interpreters import find_python

_Refusal = TypeVar("_Refusal", ModelError, DependencyError)
_Failures: TypeAlias = list[tuple[Target, DependencyError]]
"""The targets that were tried, and why each cannot be."""
_Locker: TypeAlias = Callable[[Target, tuple[str, ...]], Lock]
"""Locks for a target, with at least these versions."""


@dataclass(frozen=True)
class Choice:
    """A target on which the requirements can be met."""

    target: Target
    lock: Lock
    note: str | None
    """Why it is not the one that one would expect."""


def choose_target(
    spec: ModelSpec,
    requirements: Requirements,
    config: BuildConfig,
    resolver: Resolver,
    progress: Progress,
) -> Choice:
    """Return the user's target; for `auto` the model's own Python, else the nearest newer one.

    :raises ConfigError: there is no such target.
    :raises PythonMismatch: the model brings bytecode of another Python than the target's.
    :raises DependencyError: the requirements cannot be met; says where they could be.
    """
    bound_to = bytecode_python(spec)
    candidates = list(_candidates(spec, config))
    failures: _Failures = []
    lock = _locker(spec, requirements, config, resolver, progress)
    for target in candidates:
        if bound_to and bound_to != target.runtime.python:
            raise explained(_bound(spec, bound_to, failures), spec)
        progress.step(f"Resolving {len(requirements.lines)} requirements for {target.description}")
        try:
            found = lock(target, ())
        except (NoMatchingWheel, ResolutionFailed) as error:
            failures.append((target, error))
            if isinstance(error, NoMatchingWheel) and error.is_final and not bound_to:
                raise explained(_nowhere(failures, [], lock), spec) from error
            progress.detail(f"cannot be met: {first_line(error)}")
        else:
            choice = Choice(target, found, _note(spec, target, failures))
            later = () if bound_to else candidates[candidates.index(target) + 1 :]
            return _as_new(spec, requirements, config, choice, later, lock, progress)
    others = None if bound_to else _others(failures, config)
    anew = _locker(spec, requirements, replace(config, earlier_lock=None), resolver, progress)
    raise explained(_nowhere(failures, others, anew), spec)


def _as_new(
    spec: ModelSpec,
    requirements: Requirements,
    config: BuildConfig,
    choice: Choice,
    later: Sequence[Target],
    lock: _Locker,
    progress: Progress,
) -> Choice:
    """Return a choice with nothing older than in training, where a runtime has that; else this.

    A pickle is read by what wrote it, or by what is newer.
    """
    has_day = spec.logged_day is not None
    if not has_day or not spec.info.executes_code or choice.lock is config.earlier_lock:
        return choice
    newer = newer_when_logged(
        requirements.kept,
        (*requirements.constraints, *config.constraints),
        choice.target.any_level_args,
        config.indexes,
        logged_with(spec),
        choice.lock.packages,
    )
    if not newer:
        return choice
    older = f"{', '.join(newer)} is what the model was trained with as far as is known"
    progress.detail(f"{older}: looking for a runtime that has it")
    for target in (choice.target, *later):
        try:
            found = lock(target, newer)
        except DependencyError:
            continue
        if target == choice.target:
            return replace(choice, lock=found)
        return Choice(target, found, f"{older}: building for {target.runtime.name}, which has it")
    return replace(choice, note=f"{older}, and no runtime has it: older versions are taken")


def _locker(
    spec: ModelSpec,
    requirements: Requirements,
    config: BuildConfig,
    resolver: Resolver,
    progress: Progress,
) -> _Locker:
    there = logged_with(spec)

    def lock(target: Target, least: tuple[str, ...]) -> Lock:
        return _lock(requirements, target, config, resolver, progress, there=there, least=least)

    return lock


def _candidates(spec: ModelSpec, config: BuildConfig) -> Iterator[Target]:
    if config.runtime != "auto":
        yield find_target(config.runtime, config.architecture)
        return
    earlier = config.earlier_lock.inputs if config.earlier_lock else None
    if earlier and config.lock_policy is LockPolicy.LOCKED:
        yield find_target(earlier.runtime, config.architecture)
        return
    nearest = find_target(runtime_for_python(spec.python_version), config.architecture)
    for runtime in RUNTIMES[RUNTIMES.index(nearest.runtime) :]:
        yield Target(runtime, config.architecture)


def _lock(
    requirements: Requirements,
    target: Target,
    config: BuildConfig,
    resolver: Resolver,
    progress: Progress,
    *,
    there: LoggedWith,
    least: tuple[str, ...] = (),
) -> Lock:
    question = Question(
        requirements=requirements.lines,
        target=target,
        constraints=(*requirements.constraints, *config.constraints),
        excluded=tuple(drop.requirement for drop in requirements.excluded),
        runtime_packages=RUNTIME_PACKAGES,
        indexes=config.indexes,
        there=there,
        least=least,
        preferences=requirements.preferences,
    )
    lock = obtain_lock(
        question,
        resolver,
        earlier=config.earlier_lock,
        policy=config.lock_policy,
        progress=progress,
    )
    check_faults(lock.packages, target)
    return lock


def _bound(spec: ModelSpec, python: str, failures: _Failures) -> ModelError:
    reason = first_line(failures[0][1]) if failures else None
    path = next(path for path in object_files(spec) if holds_bytecode(path))
    return PythonMismatch(path.relative_to(spec.folder).as_posix(), python, reason=reason)


def _note(spec: ModelSpec, target: Target, failures: _Failures) -> str | None:
    if not failures:
        return None
    error = failures[0][1]
    origin = f"trained under Python {spec.python_version}; " if spec.python_version else ""
    return f"{origin}{first_line(error)}; building for {target.runtime.name}, the next that can"


def _others(failures: _Failures, config: BuildConfig) -> list[Target] | None:
    """Return the targets that were not tried and may be proposed; None: none may."""
    if config.lock_policy is LockPolicy.LOCKED:
        return None
    tried = {target.runtime for target, _ in failures}
    return [Target(runtime, config.architecture) for runtime in RUNTIMES if runtime not in tried]


def _nowhere(
    failures: _Failures,
    others: list[Target] | None,
    lock: _Locker,
) -> DependencyError:
    """Return the first target's error, with what is known of the others as its hint."""
    first = failures[0][1]
    if others is None:
        return first
    hint = "No other Lambda runtime can take these requirements either."
    for target in others:
        try:
            lock(target, ())
        except DependencyError:
            continue
        hint = (
            f"All requirements can be met on {target.description}: --runtime {target.runtime.name}."
        )
        break
    first.hint = f"{first.hint} {hint}" if first.hint else hint
    return first


def explained(error: _Refusal, spec: ModelSpec) -> _Refusal:
    """Return the error, with what is possible where Lambda has the model's Python no more."""
    if not is_old(spec.python_version):
        return error
    python, oldest = spec.python_minor, RUNTIMES[0].python
    assert python is not None
    again = f"Log it again under Python {oldest} or newer."
    if spec.info.flavor in OLD_FLAVORS and find_python(python) is None:
        error.hint = (
            f"Lambda has no Python {python} any more, and this machine has none to take the model"
            " apart in: compiled, it needs neither that Python nor its packages."
            f" `uv python install {python}` gets it. Otherwise: {again}"
        )
        return error
    reason = spec.info.engine.reason or f"{spec.info.flavor} models are not converted"
    error.hint = (
        f"Lambda has no Python {python} any more, and the model was not compiled to do without it:"
        f" {reason}. {again}"
    )
    return error


def first_line(error: PackagerError) -> str:
    """Return what an error says first, as a clause."""
    return str(error).partition("\n")[0].rstrip(":")
