"""Packager's errors: what happened, where, and what to do next.

::

    PackagerError               exit 1
      ConfigError               exit 2
      ModelError                MLmodelNotFound  MLmodelInvalid  UnsupportedFlavor  UnsafeFormat
      DependencyError           ResolutionFailed  NoMatchingWheel
      BundleError               BundleInvalid  PathCollision
      LimitExceeded             exit 3: a gate failed, CI can tell
      ToolError                 ToolMissing  ToolFailed
      StorageError

Library code raises these; only `packager.cli` prints them and exits.
"""

from collections.abc import Sequence
from pathlib import Path


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


class UnsupportedFlavor(ModelError):
    """No loader for the model's flavor.

    :param flavors: those that the MLmodel file names.
    :param supported: those that this version serves.
    """

    code = "pkg.model.flavor"

    def __init__(self, flavors: Sequence[str], supported: Sequence[str]) -> None:
        super().__init__(
            f"no loader for flavor {', '.join(flavors) or '(none)'}",
            hint=f"Supported: {', '.join(supported)}.",
        )


class UnsafeFormat(ModelError):
    """Loading the model executes code that came with it, and `--safe-only` was given.

    :param reason: what executes code, as a clause.
    """

    code = "pkg.model.unsafe"
    exit_code = 3

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason}; refused by --safe-only",
            hint="Log the model again with serialization_format='skops' and without code_paths.",
        )


class DependencyError(PackagerError):
    """The model's requirements cannot be met on the target."""

    code = "pkg.dependency"


class ResolutionFailed(DependencyError):
    """The requirements contradict each other, or the index cannot be read."""

    code = "pkg.dependency.resolution"


class NoMatchingWheel(DependencyError):
    """A pinned version has no wheel that loads on the target.

    :param name: distribution name.
    :param version: the version that was wanted.
    :param wanted: what the target loads, in words, as `manylinux up to glibc 2.26, x86_64, cp311`.
    :param found: platform tags of the wheels that exist for the target's Python.
    """

    code = "pkg.dependency.wheel"

    def __init__(
        self, name: str, version: str, *, wanted: str, found: Sequence[str], hint: str | None
    ) -> None:
        self.name = name
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
