"""A module that the function lacks: whose it is, and the option that brings it."""

import re
import shlex
from collections.abc import Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from packager.bundle.folder import Bundle
from packager.checking.report import Problem
from packager.requirements.select import Drop
from packager.requirements.substitutes import MLFLOWS

_MISSING = re.compile(r"No module named '([\w.]+)'")


def missing_module(text: str) -> str | None:
    """Return the name of the module that a log or message says is not there; None: none."""
    found = _MISSING.search(text)
    return found[1] if found else None


def way_to_bring(module: str | None, dropped: Sequence[Drop]) -> str:
    """Return the option of the build that brings the module."""
    drop = None if module is None else _drop_of(module, dropped)
    return "--keep NAME" if drop is None else _way_to_keep(drop)


def problem_of_module(module: str, bundle: Bundle, dropped: Sequence[Drop]) -> Problem:
    """Return what to say of a function that does not start for lack of the module."""
    message = f"the function does not start: there is no module {module}"
    drop = _drop_of(module, dropped)
    if drop is not None:
        return Problem(
            f"{message}. Its package was left out: {drop.requirement} ({drop.reason})",
            f"Build again with {_way_to_keep(drop)}.",
        )
    top = _distribution_like(module)
    if "." in module and top in {canonicalize_name(item.name) for item in bundle.manifest.packages}:
        return Problem(
            f"{message}, though its package is in the bundle",
            "If trimming took it out, build again with --no-trim.",
        )
    left_out = ", ".join(drop.requirement for drop in dropped)
    return Problem(
        message + (f". Left out of the bundle: {left_out}" if left_out else ""),
        "Add its package with --with NAME, or better to the model's requirements.txt.",
    )


def _drop_of(module: str, dropped: Sequence[Drop]) -> Drop | None:
    """Return what was left out and has this module."""
    top = _distribution_like(module)
    for drop in dropped:
        name = _name(drop.requirement)
        is_mlflow = top == "mlflow" and name in MLFLOWS
        if name == top or is_mlflow or _is_module_of(top, name):
            return drop
    return None


def _way_to_keep(drop: Drop) -> str:
    """Return the option that brings it into the bundle: of MLflow the part that predicts."""
    name = _name(drop.requirement)
    if name not in MLFLOWS:
        return f"--keep {name}"
    return f"--with {shlex.quote(f'mlflow-skinny{Requirement(drop.requirement).specifier}')}"


def _distribution_like(module: str) -> str:
    """Return the name of the distribution that is called as the module."""
    return canonicalize_name(module.split(".")[0])


def _is_module_of(module: str, distribution: str) -> bool:
    """Tell whether this machine's packages know the module to be of that distribution."""
    import importlib.metadata  # reads every package's metadata: only for a failure

    found = importlib.metadata.packages_distributions().get(module.replace("-", "_"), [])
    return distribution in {canonicalize_name(name) for name in found}


def _name(line: str) -> str:
    try:
        return canonicalize_name(Requirement(line).name)
    except InvalidRequirement:  # a glob of --drop
        return line
