"""Packager's errors: what happened, where, and what to do next.

::

    PackagerError               exit 1
      ConfigError               exit 2
      ModelError                MLmodelNotFound  MLmodelInvalid  ModelIncomplete
                                ModelNotServable  ModelNotLoadable  ModuleMissing
                                UnsafeFormat  PythonMismatch
      DependencyError           ResolutionFailed  NoMatchingWheel  Unobtainable
                                IndexUnreachable  LockDrift
      BundleError               BundleInvalid  PathCollision  WheelInvalid
                                CheckFailed  NotProven
      LimitExceeded             exit 3: a gate failed, CI can tell
      ToolError                 ToolMissing  ToolFailed  WrongMachine
      StorageError
      StackError                SmokeTestFailed

Library code raises these; only `packager.cli` prints them and exits.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

DISTRIBUTION = "mlflow-lambda"
"""What to install: on the public index the name `packager` is another project's."""


def install_hint(extra: str) -> str:
    """Return the command that installs one of our extras, as `sklearn`."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


class PackagerError(Exception):
    """All errors raised by this package's code.

    :param message: what happened and where.
    :param hint: what to do next, or None.
    """

    code = "pkg.error"
    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message alone; the CLI prints the hint on a line of its own."""
        return self.message

    def to_dict(self) -> dict[str, Any]:
        """Return the error as data for `--json`: its code, message and hint, and what it knows."""
        return {"code": self.code, **vars(self)}

    def __reduce__(self) -> tuple[Any, ...]:
        # Its class may take other arguments than the message: errors of workers are pickled.
        return Exception.__new__, (type(self), *self.args), self.__dict__


class ConfigError(PackagerError):
    """A flag, variable or setting is wrong."""

    code = "pkg.config"
    exit_code = 2


class ModelError(PackagerError):
    """The model cannot be used."""

    code = "pkg.model"


class MLmodelNotFound(ModelError):
    """There is no MLflow model at this place."""

    code = "pkg.model.not_found"

    def __init__(self, location: str | Path, *, hint: str | None = None) -> None:
        super().__init__(
            f"no MLmodel file in {location}",
            hint=hint
            or "Give the folder that `mlflow.<flavor>.log_model` or `save_model` wrote, a models:/"
            " or runs:/ URI, or a bare model file with --flavor.",
        )


class MLmodelInvalid(ModelError):
    """The MLmodel file is broken; lists every problem found.

    :param path: the MLmodel file.
    :param issues: one sentence each.
    """

    code = "pkg.model.invalid"

    def __init__(self, path: str | Path, issues: Sequence[str]) -> None:
        self.issues = tuple(issues)
        super().__init__(f"{path} is not a valid MLmodel file: " + "; ".join(self.issues))


class ModelIncomplete(ModelError):
    """A file of the model is missing, or something else lies in its place.

    :param folder: the model's folder, or the bare file's.
    :param problems: name of each file and what is wrong with it, as a clause.
    """

    code = "pkg.model.incomplete"

    def __init__(
        self, folder: str | Path, problems: Sequence[tuple[str, str]], *, hint: str
    ) -> None:
        self.files = tuple(name for name, _ in problems)
        said = "; ".join(f"{name} {problem}" for name, problem in problems)
        super().__init__(f"the model in {folder} is not whole: {said}", hint=hint)


class ModelNotServable(ModelError):
    """The model is valid, and was logged without anything that predicts."""

    code = "pkg.model.not_servable"


class ModelNotLoadable(ModelError):
    """The model cannot be loaded in its own environment, so no bundle of it could.

    :param reason: type and text of what was raised.
    :param trace: the last lines of its traceback.
    :param module: the module that is not there, where that is the reason.
    """

    code = "pkg.model.load"

    def __init__(
        self,
        reason: str,
        *,
        trace: Sequence[str] = (),
        module: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.trace = tuple(trace)
        self.module = module
        lines = "".join(f"\n  {line}" for line in trace)
        super().__init__(
            f"the model cannot be loaded in its own environment: {reason}{lines}",
            hint=hint
            or "Load it where it was saved, and give its requirements the versions from there:"
            " --with NAME==VERSION. If it takes what only Lambda has: --optimize none --no-check.",
        )


class ModuleMissing(ModelError):
    """The model needs a module that neither its requirements nor its own code have.

    :param module: its name; `__main__` is the program that saved the model.
    :param needed_by: the classes and functions of it that the model names.
    :param beside: what lies near the model and has the module's name.
    """

    code = "pkg.model.module"

    def __init__(
        self,
        message: str,
        *,
        module: str,
        hint: str,
        needed_by: Sequence[str] = (),
        beside: Sequence[str] = (),
    ) -> None:
        self.module = module
        self.needed_by = tuple(needed_by)
        self.beside = tuple(beside)
        super().__init__(message, hint=hint)


class UnsafeFormat(ModelError):
    """Loading the model executes code that came with it, and `--safe-only` was given.

    :param reason: what executes code, as a clause.
    :param instead: what to do about it, as a clause.
    """

    code = "pkg.model.unsafe"
    exit_code = 3

    def __init__(self, reason: str, instead: str) -> None:
        super().__init__(
            f"{reason}; refused by --safe-only",
            hint=f"{instead[:1].upper()}{instead[1:]}. docs/security.md has all formats.",
        )


class PythonMismatch(ModelError):
    """The model brings bytecode, which only the Python that wrote it can run.

    :param path: the file that holds it.
    :param python: the minor version that wrote it, as `3.11`.
    :param reason: why that Python's runtime was not taken, as a sentence; None: it was not asked.
    """

    code = "pkg.model.python"

    def __init__(self, path: str, python: str, *, reason: str | None = None) -> None:
        said = f". {reason}" if reason else ""
        super().__init__(
            f"{path} holds functions that cloudpickle wrote as bytecode: they load under Python"
            f" {python} alone{said}",
            hint="Put the functions into a module that code_paths names and log the model again,"
            f" or build for python{python} with requirements that it can take.",
        )


class DependencyError(PackagerError):
    """The model's requirements cannot be met on the target."""

    code = "pkg.dependency"


class ResolutionFailed(DependencyError):
    """The requirements contradict each other, or name what does not exist."""

    code = "pkg.dependency.resolution"


class Unobtainable(DependencyError):
    """A package that no runtime can have: it is nowhere to be had, or not as a wheel."""

    code = "pkg.dependency.unobtainable"


class FailsOnTarget(ResolutionFailed):
    """A version that is known to fail on the target, though it resolves and loads elsewhere."""

    code = "pkg.dependency.fault"


class IndexUnreachable(DependencyError):
    """The package index cannot be read."""

    code = "pkg.dependency.index"


class LockDrift(DependencyError):
    """The lock answers other requirements than the model has now, and `--locked` was given.

    :param differences: in words, one each.
    """

    code = "pkg.dependency.drift"
    exit_code = 3

    def __init__(self, differences: Sequence[str]) -> None:
        self.differences = tuple(differences)
        lines = "".join(f"\n  {line}" for line in differences)
        super().__init__(
            f"the lock was made for something else, and --locked keeps to it:{lines}",
            hint="Build once without --locked, look at what changed, and keep the new pylock.toml.",
        )


class NoMatchingWheel(DependencyError):
    """A pinned version has no wheel that loads on the target.

    :param name: distribution name.
    :param version: the version that was wanted.
    :param wanted: what the target loads, in words, as `manylinux up to glibc 2.26, x86_64, cp311`.
    :param found: platform tags of the wheels that exist for the target's Python.
    :param is_final: no other runtime loads one either.
    """

    code = "pkg.dependency.wheel"

    def __init__(
        self,
        name: str,
        version: str,
        *,
        wanted: str,
        found: Sequence[str],
        hint: str | None,
        is_final: bool = False,
    ) -> None:
        self.name = name
        self.is_final = is_final
        self.version = version
        self.found = tuple(found)
        tags = ", ".join(found) or "none (source distribution only)"
        super().__init__(
            f"{name} {version} has no wheel for the target: wanted {wanted}; found {tags}",
            hint=hint,
        )


class BundleError(PackagerError):
    """The bundle cannot be made or read."""

    code = "pkg.bundle"


class BundleInvalid(BundleError):
    """The folder is not a whole bundle, or a file differs from its digest."""

    code = "pkg.bundle.invalid"


class PathCollision(BundleError):
    """Two parts of the bundle want the same path."""

    code = "pkg.bundle.collision"

    def __init__(self, path: str, first: str, second: str) -> None:
        super().__init__(
            f"{path} comes from {first} and from {second}",
            hint=f"Rename it in {second}: only one of them can be at the top of the zip.",
        )


class WheelInvalid(BundleError):
    """A wheel is not what it says it is."""

    code = "pkg.bundle.wheel"

    def __init__(self, reason: str) -> None:
        super().__init__(
            reason, hint="Do not trust that wheel: get it from its project, or pin another version."
        )


class CheckFailed(BundleError):
    """The bundle would not work on its target.

    :param problems: what was found wrong and what to do about it, pair by pair.
    :param modules: those that the function lacks.
    """

    code = "pkg.bundle.check"
    exit_code = 3

    def __init__(self, problems: Sequence[tuple[str, str]], *, modules: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        self.modules = tuple(modules)
        lines = "".join(f"\n  {message}\n    {hint}" for message, hint in problems)
        super().__init__(
            f"the bundle would not work on its target:{lines}",
            hint="Nothing was written. With --no-check the bundle is built all the same.",
        )


class NotProven(BundleError):
    """The bundle could not be proven, and a proof was asked for."""

    code = "pkg.bundle.proof"
    exit_code = 3


class LimitExceeded(PackagerError):
    """A Lambda limit or a gate was passed."""

    code = "pkg.limit"
    exit_code = 3


class ToolError(PackagerError):
    """An external program is the trouble."""

    code = "pkg.tool"


class ToolMissing(ToolError):
    """A program, package or extra is not installed.

    :param name: what is missing.
    :param how: how to install it.
    """

    code = "pkg.tool.missing"

    def __init__(self, name: str, how: str) -> None:
        super().__init__(f"{name} is not installed", hint=how)


class WrongMachine(ToolError):
    """What was built for another architecture cannot run on this machine.

    :param wanted: Lambda's identifier of the architecture.
    :param found: this machine's own name of its.
    """

    code = "pkg.tool.machine"

    def __init__(self, wanted: str, found: str, *, hint: str) -> None:
        super().__init__(f"the bundle is for {wanted} and this machine is {found}", hint=hint)


class ToolFailed(ToolError):
    """A program ended with an error.

    :param argv: the command line.
    :param returncode: its exit status; negative: ended by that signal.
    :param stderr: what it said; the last lines are shown.
    """

    code = "pkg.tool.failed"

    def __init__(self, argv: Sequence[str], returncode: int, stderr: str) -> None:
        self.argv = tuple(argv)
        self.returncode = returncode
        tail = "\n".join(stderr.strip().splitlines()[-15:])
        super().__init__(f"`{' '.join(argv[:4])}` failed with status {returncode}:\n{tail}")


class StorageError(PackagerError):
    """S3 refused, or cannot be reached."""

    code = "pkg.storage"


class StackError(PackagerError):
    """CloudFormation or Lambda refused, cannot be reached, or the stack is in a bad state."""

    code = "pkg.stack"


class SmokeTestFailed(StackError):
    """The new version did not answer the sample request; the live one was left alone.

    :param version: its number.
    :param answer: what it said instead, or what went wrong.
    """

    code = "pkg.stack.smoke"
    exit_code = 3

    def __init__(self, version: str, answer: str) -> None:
        self.version = version
        self.answer = answer
        super().__init__(
            f"version {version} did not answer the sample request with status 200: {answer}",
            hint="No traffic went to it. `packager invoke` runs the bundle here, with its log;"
            " `packager deploy --event` takes a request of your own for the test.",
        )
