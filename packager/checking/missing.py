"""A module that the function lacks: whose it is, and the option that brings it."""

import re
import shlex
from collections.abc import Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from packager.bundle.folder import Bundle
from packager.checking.report import Problem
from packager.model.distributions_of_modules import distribution_of, is_like
from packager.requirements.select import UNWANTED, Drop
from packager.requirements.substitutes import MLFLOWS

_MISSING = re.compile(
    # Python's words, the handler's, and those of pandas.
    r"(?:No module named|needs the module|Missing optional dependency) '([\w.]+)'"
)


def missing_module(text: str) -> str | None:
    """Return the name of the module that a log or message says is not there; None: none."""
    found = _MISSING.search(text)
    return found[1] if found else None


def way_to_bring(module: str | None, dropped: Sequence[Drop]) -> str:
    """Return how to build, in words, so that the module is there."""
    if module is None:
        return "with --keep NAME"
    drop = find_drop(module, dropped)
    if drop is not None:
        return _way_back(drop)
    return f"with --with {distribution_of(module.partition('.')[0]) or 'NAME'}"


def problem_of_module(
    module: str, bundle: Bundle, dropped: Sequence[Drop], who: str | None = None
) -> Problem:
    """Return what to say of a module that is not there.

    :param who: a sentence about who needs it; None: the function does not start without it.
    """
    message = f"the function does not start: there is no module {module}"
    if who is not None:
        message = f"there is no module {module} in the bundle: {who}"
    drop = find_drop(module, dropped)
    if drop is not None:
        return Problem(
            f"{message}. Its package was left out: {drop.requirement} ({drop.reason})",
            f"Build again {_way_back(drop)}.",
            module,
        )
    manifest = bundle.manifest
    versions: dict[str | None, str] = {
        canonicalize_name(item.name): item.version
        for item in (manifest.own_packages if manifest.model.own_python else manifest.packages)
    }
    if "." in module and _distribution_like(module) in versions:
        return Problem(
            f"{message}, though its package is in the bundle",
            "If trimming took it out, build again with --no-trim.",
            module,
        )
    distribution = distribution_of(module.partition(".")[0]) or _distribution_like(module)
    if distribution in versions:
        return Problem(
            f"{message}, nor has {distribution} {versions[distribution]} such a module",
            f"Pin {distribution} to the version that the model was saved with, in its"
            " requirements.txt.",
            module,
        )
    left_out = ", ".join(drop.requirement for drop in dropped)
    return Problem(
        message + (f". Left out of the bundle: {left_out}" if left_out else ""),
        f"Build again {way_to_bring(module, ())}, or better add the package to the model's"
        " requirements.txt; a module of your own comes with --code-path.",
        module,
    )


def find_drop(module: str, dropped: Sequence[Drop]) -> Drop | None:
    """Return what was left out and has this module."""
    top = module.partition(".")[0]
    for drop in dropped:
        name = _name(drop.requirement)
        # pandas names the distribution: 'Jinja2'.
        is_named = canonicalize_name(top) == name or (top == "mlflow" and name in MLFLOWS)
        if is_named or is_like(top, name):
            return drop
    return None


def _way_back(drop: Drop) -> str:
    """Return how to build so that it is in the bundle: of MLflow the part that predicts."""
    name = _name(drop.requirement)
    if drop.reason == UNWANTED:
        return f"without --drop {name}"
    if name not in MLFLOWS:
        return f"with --keep {name}"
    return f"with --with {shlex.quote(f'mlflow-skinny{Requirement(drop.requirement).specifier}')}"


def _distribution_like(module: str) -> str:
    """Return the name of the distribution that is called as the module."""
    return canonicalize_name(module.split(".")[0])


def _name(line: str) -> str:
    try:
        return canonicalize_name(Requirement(line).name)
    except InvalidRequirement:  # a glob of --drop
        return line
