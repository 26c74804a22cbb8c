"""The versions of the day that a model was logged: what its requirements leave open gets them.

They are preferred, not demanded: the handler's own packages, and wheels for a newer Python, may
need later ones.
"""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from handler.manifest import PackageEntry
from packager.errors import ToolFailed
from packager.lock.known_faults import companions_of
from packager.lock.pylock import read_pins
from packager.progress import Progress
from packager.requirements.logged_with import LoggedWith
from packager.requirements.select import HANDLER_REQUIREMENTS
from packager.support.uv import Indexes, run_uv

_OF_MODELS = frozenset({"numpy", "pandas"})
"""Of the handler's: what comes in the model's versions."""
_OURS = frozenset(Requirement(line).name for line in HANDLER_REQUIREMENTS) - _OF_MODELS


def versions_of_the_day(
    requirements: Sequence[str],
    constraints: Sequence[str],
    target_args: Sequence[str],
    indexes: Indexes,
    there: LoggedWith,
    progress: Progress,
) -> str:
    """Return the versions that these requirements had in the environment that logged the model.

    :param requirements: the model's and the handler's, whose own are left aside.
    :param target_args: uv's options for what they are installed on.
    :returns: pins, a line each; empty where nothing is known of the environment, or the index does
        not have, or not tell, what there was then.
    """
    lines = _of_the_model(requirements)
    # Wheels for a newer Python came later than the day, all else that is known still counts.
    tries = [there, replace(there, day=None)] if there.day else [there]
    for known in (item for item in tries if item.is_known):
        try:
            pins = _newest(lines, constraints, target_args, indexes, known)
        except ToolFailed:
            progress.detail(
                f"no set of versions {_words(known)} was found for what the model leaves open"
            )
        else:
            progress.detail(f"versions that the model leaves open: {_words(known)}")
            return pins
    return ""


def newer_when_logged(
    requirements: Sequence[str],
    constraints: Sequence[str],
    target_args: Sequence[str],
    indexes: Indexes,
    there: LoggedWith,
    found: Iterable[PackageEntry],
) -> tuple[str, ...]:
    """Return, as `pandas>=3.1.1`, what was newer in training than what was found for a target.

    Of requirements that leave their version open, where training had the newest that the index
    had for its Python.

    :param requirements: the model's own.
    :param target_args: uv's options for the target's Python on a machine that loads every wheel.
    """
    lines = _of_the_model(requirements)
    open_names = {
        canonicalize_name(item.name) for item in map(Requirement, lines) if _is_open(item)
    }
    if not open_names:
        return ()
    try:
        then = read_pins(_newest(lines, constraints, target_args, indexes, there))
    except ToolFailed:
        return ()
    return tuple(
        f"{entry.name}>={then[entry.name]}"
        for entry in found
        if entry.name in open_names
        and entry.name in then
        and Version(entry.version) < Version(then[entry.name])
    )


def _newest(
    lines: Sequence[str],
    constraints: Sequence[str],
    target_args: Sequence[str],
    indexes: Indexes,
    there: LoggedWith,
) -> str:
    args = ["pip", "compile", "-", *target_args, "--no-header", "--no-annotate", *indexes.args]
    if there.day:
        args += ["--exclude-newer", f"{there.day}T23:59:59Z"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "constraints.txt"

        def compile_within(unsaid: Sequence[str]) -> str:
            text = "\n".join((*constraints, *there.constraints, *unsaid))
            file.write_text(f"{text}\n", encoding="utf-8")
            return run_uv([*args, "--constraints", str(file)], stdin="\n".join(lines))

        pins = compile_within(())
        packages = (PackageEntry(*item) for item in read_pins(pins).items())
        unsaid = companions_of(packages)
        return compile_within(unsaid) if unsaid else pins


def _of_the_model(requirements: Sequence[str]) -> list[str]:
    return [line for line in requirements if canonicalize_name(Requirement(line).name) not in _OURS]


def _is_open(requirement: Requirement) -> bool:
    operators = {clause.operator for clause in requirement.specifier}
    return requirement.url is None and operators.isdisjoint({"==", "===", "<", "<="})


def _words(there: LoggedWith) -> str:
    limits = (
        f"with {', '.join(there.constraints)}, which the pickle tells" if there.constraints else ""
    )
    day = f"of {there.day} (it was logged then)" if there.day else ""
    return " and ".join(filter(None, (day, limits)))
