"""Requirements that nothing in a model names, and that are missed all the same: they come back.

Libraries import by names that no pickle has, and only when they need it. What loading the model
or predicting here shows to be missing is kept, as `--keep` would, and the work is done again.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from packaging.requirements import Requirement

from packager.building.config import BuildConfig
from packager.building.plan import BuildPlan, plan_bundle
from packager.building.story import BuildReport, build_bundle
from packager.checking.missing import find_drop, missing_module
from packager.errors import CheckFailed, PackagerError
from packager.model.mlmodel import read_mlmodel
from packager.progress import LOGGED, Progress
from packager.requirements.overrides import apply_overrides
from packager.requirements.select import Drop, inference_requirements

_MOST = 5
"""Rounds; a model that misses more is refused for the next one."""


def plan_whole(
    model: Path,
    config: BuildConfig,
    *,
    origin: str | None = None,
    progress: Progress = LOGGED,
) -> BuildPlan:
    """Return the plan of a model; what loading it shows to be missing comes back.

    :param origin: what the model was opened as: a path, where it is one.
    :raises PackagerError: as :func:`plan_bundle`.
    """
    for _ in range(_MOST):
        try:
            return plan_bundle(model, config, origin=origin, progress=progress)
        except PackagerError as error:
            module = getattr(error, "module", None) or missing_module(str(error))
            names = _missed([module], _dropped(model, config)) if module else []
            if not names:
                raise
            config = _keeping(config, names, progress)
    return plan_bundle(model, config, origin=origin, progress=progress)


def build_whole(
    plan: BuildPlan,
    output: Path,
    *,
    is_checked: bool = True,
    is_strict: bool = False,
    progress: Progress = LOGGED,
) -> BuildReport:
    """Build the planned bundle; what the check shows to be missing comes back.

    :raises PackagerError: as :func:`plan_bundle` and :func:`build_bundle`.
    """

    def build(plan: BuildPlan) -> BuildReport:
        return build_bundle(
            plan, output, is_checked=is_checked, is_strict=is_strict, progress=progress
        )

    for _ in range(_MOST):
        try:
            return build(plan)
        except CheckFailed as error:
            names = _missed(error.modules, plan.requirements.dropped)
            if not names:
                raise
            config = _keeping(plan.config, names, progress)
            plan = plan_whole(plan.source.folder, config, progress=progress)
    return build(plan)


def _dropped(model: Path, config: BuildConfig) -> tuple[Drop, ...]:
    requirements = inference_requirements(read_mlmodel(model), architecture=config.architecture)
    return apply_overrides(config.overrides, requirements).dropped


def _missed(modules: Iterable[str], dropped: Iterable[Drop]) -> list[str]:
    """Return the requirements that have one of the modules and were dropped for want of a name."""
    unnamed = [drop for drop in dropped if drop.is_unnamed]
    found = (find_drop(module, unnamed) for module in modules)
    return sorted({Requirement(drop.requirement).name for drop in found if drop})


def _keeping(config: BuildConfig, names: list[str], progress: Progress) -> BuildConfig:
    progress.detail(f"missed, so kept: {', '.join(names)}; once more")
    overrides = replace(config.overrides, keep=(*config.overrides.keep, *names))
    return replace(config, overrides=overrides)
