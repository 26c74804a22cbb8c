"""Choose the target of a bundle, together with the lock that proves it possible."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

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
from packager.lock.known_faults import check_faults
from packager.lock.obtain import LockPolicy, obtain_lock
from packager.lock.pylock import Lock
from packager.lock.resolve import Question, Resolver
from packager.model.bytecode_python import bytecode_python, object_files
from packager.model.mlmodel import ModelSpec
from packager.model.pickle_bytecode import holds_bytecode
from packager.progress import Progress
from packager.requirements.select import RUNTIME_PACKAGES, Requirements

_Failures: TypeAlias = list[tuple[Target, DependencyError]]
"""The targets that were tried, and why each cannot be."""


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
    for target in candidates:
        if bound_to and bound_to != target.runtime.python:
            raise _bound(spec, bound_to, failures)
        progress.step(f"Resolving {len(requirements.lines)} requirements for {target.description}")
        try:
            lock = _lock(requirements, target, config, resolver, progress)
        except (NoMatchingWheel, ResolutionFailed) as error:
            failures.append((target, error))
            progress.detail(f"cannot be met: {first_line(error)}")
        else:
            return Choice(target, lock, _note(spec, target, failures))
    others = None if bound_to else _others(failures, config)
    raise _nowhere(failures, others, requirements, config, resolver, progress)


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
) -> Lock:
    question = Question(
        requirements=requirements.lines,
        target=target,
        constraints=config.constraints,
        excluded=tuple(drop.requirement for drop in requirements.excluded),
        runtime_packages=RUNTIME_PACKAGES,
        indexes=config.indexes,
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
    requirements: Requirements,
    config: BuildConfig,
    resolver: Resolver,
    progress: Progress,
) -> DependencyError:
    """Return the first target's error, with what is known of the others as its hint."""
    first = failures[0][1]
    if others is None:
        return first
    hint = "No other Lambda runtime can take these requirements either."
    for target in others:
        try:
            _lock(requirements, target, replace(config, earlier_lock=None), resolver, progress)
        except DependencyError:
            continue
        hint = (
            f"All requirements can be met on {target.description}: --runtime {target.runtime.name}."
        )
        break
    first.hint = f"{first.hint} {hint}" if first.hint else hint
    return first


def first_line(error: PackagerError) -> str:
    """Return what an error says first, as a clause."""
    return str(error).partition("\n")[0].rstrip(":")
