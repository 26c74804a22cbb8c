"""Models that Lambda's Pythons cannot load: an image of Debian's, with a Python of the model's own.

The function itself runs in a current Python; its handler starts a process in the model's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from handler.manifest import EngineInfo
from packager.aws.runtimes import Target, find_target, own_python_target, runtime_for_python
from packager.building.config import BuildConfig
from packager.building.target import Choice, choose_target, explained, first_line
from packager.errors import (
    DependencyError,
    LockDrift,
    ModelError,
    NoMatchingWheel,
    PackagerError,
    PythonMismatch,
    ResolutionFailed,
)
from packager.local.old_python import is_old
from packager.lock.known_faults import check_faults
from packager.lock.obtain import LockPolicy, obtain_lock
from packager.lock.pylock import OWN_LOCK_NAME, Lock
from packager.lock.resolve import Question, Resolver
from packager.model.mlmodel import ModelSpec
from packager.progress import Progress
from packager.requirements.logged_with import logged_with
from packager.requirements.own_python import function_lines, model_exclusions, model_lines
from packager.requirements.select import Requirements

FUNCTION_RUNTIME = "python3.12"
"""Of the function beside such a model."""


@dataclass(frozen=True)
class OwnPython:
    """Where the model runs, beside the function."""

    target: Target
    lock: Lock
    requirements: tuple[str, ...]
    """PEP 508 lines."""
    reason: str
    """Why no runtime of Lambda's will do, in a line."""

    @property
    def python(self) -> str:
        """The minor version, as `3.8`."""
        return self.target.runtime.python

    @property
    def note(self) -> str:
        """What was decided, for the user."""
        return (
            f"packaged as a container image, Debian-based with Lambda's runtime client, where the"
            f" model runs in its own Python {self.python} beside the function's: {self.reason}"
        )


def choose_place(
    spec: ModelSpec,
    requirements: Requirements,
    config: BuildConfig,
    resolver: Resolver,
    progress: Progress,
) -> tuple[Choice, OwnPython | None]:
    """Return where the function runs and, where Lambda has no runtime for it, where the model does.

    :raises PackagerError: as :func:`packager.building.target.choose_target`.
    """
    refusal = _known_before(spec, config)
    if refusal is None:
        try:
            return choose_target(spec, requirements, config, resolver, progress), None
        except (PythonMismatch, NoMatchingWheel, ResolutionFailed) as error:
            refusal = error
    target = None if _stays(spec, config, refusal) else _image_of(spec, config)
    if target is None:
        raise refusal
    own = _own_python(target, refusal, spec, requirements, config, resolver, progress)
    for option in _against_image(config):
        raise _no_image(refusal, own.python, option)
    progress.detail(own.note)
    return _function(requirements, config, resolver, progress), own


def in_own_python(spec: ModelSpec, own: OwnPython) -> ModelSpec:
    """Return the logged model as the handler is to load it: in its own Python.

    :param spec: as it was logged.
    """
    engine = EngineInfo(reason=f"it runs in its own Python {own.python}")
    return replace(spec, info=replace(spec.info, engine=engine, own_python=own.python))


def _known_before(spec: ModelSpec, config: BuildConfig) -> PackagerError | None:
    """Return why it cannot be a runtime of Lambda's alone, as is known without asking for one."""
    if config.lock_policy is LockPolicy.LOCKED and config.earlier_own_lock:
        return LockDrift([f"{OWN_LOCK_NAME}: the model has no Python of its own now"])
    if spec.info.own_python is None:
        return None
    nearest = runtime_for_python(spec.python_version).removeprefix("python")
    error = ModelError(
        f"the model was logged under Python {spec.info.own_python}, and cannot be loaded under"
        f" {nearest}, the oldest that Lambda has"
    )
    return explained(error, spec)


def _stays(spec: ModelSpec, config: BuildConfig, refusal: PackagerError) -> bool:
    """Tell whether the user named a runtime, and the model may need no more than another one."""
    if config.runtime == "auto":
        return False
    return not is_old(spec.python_version) or isinstance(
        refusal, NoMatchingWheel | ResolutionFailed
    )


def _against_image(config: BuildConfig) -> Iterator[str]:
    """Yield what the user wants that an image with the model's own Python cannot be."""
    if config.package == "zip":
        yield "--package zip, or give --package image"
    if config.runtime != "auto":
        yield f"--runtime {config.runtime}"


def _image_of(spec: ModelSpec, config: BuildConfig) -> Target | None:
    """Return the model's own Python on Debian; None: it says none, or one that no image has."""
    if spec.python_minor is None or spec.info.engine.name != "exact":
        return None
    return own_python_target(spec.python_minor, config.architecture)


def _own_python(
    target: Target,
    refusal: PackagerError,
    spec: ModelSpec,
    requirements: Requirements,
    config: BuildConfig,
    resolver: Resolver,
    progress: Progress,
) -> OwnPython:
    """Resolve the model's requirements for its own Python.

    :raises PackagerError: the refusal, where they cannot be met there either.
    """
    lines = model_lines(spec, requirements)
    progress.step(
        f"Resolving {len(lines)} requirements for the model's own Python"
        f" {target.runtime.python} ({target.runtime.system.name})"
    )
    question = Question(
        requirements=lines,
        target=target,
        constraints=(*requirements.constraints, *config.constraints),
        excluded=model_exclusions(requirements),
        indexes=config.indexes,
        there=logged_with(spec),
        preferences=requirements.preferences,
    )
    try:
        lock = obtain_lock(
            question,
            resolver,
            earlier=config.earlier_own_lock,
            policy=config.lock_policy,
            progress=progress,
        )
        check_faults(lock.packages, target)
    except (NoMatchingWheel, ResolutionFailed) as error:
        raise _nowhere(refusal, error, target.runtime.python) from error
    reason = "so its lock says" if isinstance(refusal, LockDrift) else first_line(refusal)
    return OwnPython(target, lock, lines, reason)


def _function(
    requirements: Requirements, config: BuildConfig, resolver: Resolver, progress: Progress
) -> Choice:
    """Return the lock of the function's own packages."""
    target = find_target(FUNCTION_RUNTIME, config.architecture)
    lines = function_lines(requirements, has_s3=config.model_source == "s3")
    progress.step(f"Resolving {len(lines)} requirements of the handler for {FUNCTION_RUNTIME}")
    question = Question(requirements=lines, target=target, indexes=config.indexes)
    lock = obtain_lock(
        question,
        resolver,
        earlier=config.earlier_lock,
        policy=config.lock_policy,
        progress=progress,
    )
    return Choice(target, lock, None)


def _no_image(refusal: PackagerError, python: str, option: str) -> PackagerError:
    way = f"A container image can have Python {python} beside the function's: leave out {option}."
    refusal.hint = f"{refusal.hint} {way}" if refusal.hint else way
    return refusal


def _nowhere(refusal: PackagerError, error: DependencyError, python: str) -> PackagerError:
    """Return the error of a model for which an image with its own Python is no way either."""
    if isinstance(refusal, DependencyError):
        way = f"Nor can its own Python {python} in a container image: {first_line(error)}."
        refusal.hint = f"{refusal.hint} {way}" if refusal.hint else way
        return refusal
    return error
