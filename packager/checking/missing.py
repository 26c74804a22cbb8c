"""A module that the function lacks: whose it is, and the option that brings it."""

import re
import shlex
from collections.abc import Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from packager.bundle.folder import Bundle
from packager.checking.report import Problem
from packager.requirements.overrides import UNWANTED
from packager.requirements.select import Drop
from packager.requirements.substitutes import MLFLOWS

_CALLED_OTHERWISE = {
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "imblearn": "imbalanced-learn",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Distributions, by the name of their module."""
_MISSING = re.compile(r"No module named '([\w.]+)'")


def missing_module(text: str) -> str | None:
    """Return the name of the module that a log or message says is not there; None: none."""
    found = _MISSING.search(text)
    return found[1] if found else None


def way_to_bring(module: str | None, dropped: Sequence[Drop]) -> str:
    """Return how to build, in words, so that the module is there."""
    drop = None if module is None else _drop_of(module, dropped)
    return "with --keep NAME" if drop is None else _way_back(drop)


def problem_of_module(
    module: str, bundle: Bundle, dropped: Sequence[Drop], who: str | None = None
) -> Problem:
    """Return what to say of a module that is not there.

    :param who: a sentence about who needs it; None: the function does not start without it.
    """
    message = f"the function does not start: there is no module {module}"
    if who is not None:
        message = f"there is no module {module} in the bundle: {who}"
    drop = _drop_of(module, dropped)
    if drop is not None:
        return Problem(
            f"{message}. Its package was left out: {drop.requirement} ({drop.reason})",
            f"Build again {_way_back(drop)}.",
        )
    top = _distribution_like(module)
    if "." in module and top in {canonicalize_name(item.name) for item in bundle.manifest.packages}:
        return Problem(
            f"{message}, though its package is in the bundle",
            "If trimming took it out, build again with --no-trim.",
        )
    distribution = canonicalize_name(_likely_distribution(module))
    versions = {canonicalize_name(item.name): item.version for item in bundle.manifest.packages}
    if distribution in versions:
        return Problem(
            f"{message}, nor has {distribution} {versions[distribution]} such a module",
            f"Pin {distribution} to the version that the model was saved with, in its"
            " requirements.txt.",
        )
    left_out = ", ".join(drop.requirement for drop in dropped)
    return Problem(
        message + (f". Left out of the bundle: {left_out}" if left_out else ""),
        f"Add its package with --with {distribution}, or better to the model's requirements.txt.",
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


def _is_module_of(module: str, distribution: str) -> bool:
    """Tell whether this machine's packages know the module to be of that distribution."""
    return distribution in {canonicalize_name(name) for name in _distributions_here(module)}


def _likely_distribution(module: str) -> str:
    """Return the distribution that has a module: as on this machine, or as it is well known."""
    top = module.partition(".")[0]
    found = _distributions_here(top)
    return found[0] if found else _CALLED_OTHERWISE.get(top, top)


def _distributions_here(module: str) -> list[str]:
    import importlib.metadata  # reads every package's metadata: only for a failure

    return importlib.metadata.packages_distributions().get(module.replace("-", "_"), [])


def _name(line: str) -> str:
    try:
        return canonicalize_name(Requirement(line).name)
    except InvalidRequirement:  # a glob of --drop
        return line
