"""Builds: planned, carried out, and checked."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from packager.api.bundles import BundleLike, as_bundle
from packager.api.models import Model, opened
from packager.building.config import BuildConfig
from packager.building.missed import build_whole, plan_whole
from packager.building.plan import BuildPlan
from packager.building.story import BuildReport
from packager.bundle.folder import LOCK_NAME, Bundle
from packager.checking.gates import Gates
from packager.checking.report import CheckReport
from packager.checking.story import check_bundle
from packager.errors import ConfigError
from packager.lock.obtain import LockPolicy
from packager.lock.pylock import read_lock, read_own_lock
from packager.progress import LOGGED, Progress
from packager.requirements.select import inference_requirements


def plan(
    model: Model,
    config: BuildConfig | None = None,
    *,
    output: str | os.PathLike[str] = "dist",
    progress: Progress = LOGGED,
) -> BuildPlan:
    """Decide what a build would do; nothing is written but the user's cache.

    The model may be loaded, in a process of its own, to see whether it compiles.

    :param model: it has to stay open until the plan was built.
    :param config: default: everything by itself, for x86_64.
    :param output: the folder that the bundle would go to: the lock of the bundle there is kept to,
        unless the configuration has one or is to upgrade.
    :raises ModelError: the model cannot be served, or not safely.
    :raises ConfigError: the configuration contradicts itself or the model, or it is not open.
    :raises DependencyError: the requirements cannot be met on the target.
    :raises LimitExceeded: the model is larger than what a function can have.
    """
    if not isinstance(model, Model):
        raise ConfigError("a plan is made of an open model", hint="packager.open_model opens one.")
    config = config or BuildConfig()
    earlier = Path(output) / LOCK_NAME
    takes_earlier = config.earlier_lock is None and config.lock_policy is not LockPolicy.UPGRADE
    if takes_earlier and earlier.is_file():
        config = replace(
            config, earlier_lock=read_lock(earlier), earlier_own_lock=read_own_lock(earlier)
        )
    return plan_whole(model.folder, config, origin=model.name, progress=progress)


def build(
    model: Any,
    output: str | os.PathLike[str] = "dist",
    config: BuildConfig | None = None,
    *,
    is_checked: bool = True,
    is_strict: bool = False,
    progress: Progress = LOGGED,
) -> BuildReport:
    """Build a bundle, and check it on the runtime of its target where that can be done here.

    :param model: an open `Model`, a :func:`plan` of one, or anything that
        :func:`packager.open_model` takes.
    :param output: the folder for the bundle: replaced as a whole, or left as it was.
    :param config: as for :func:`plan`, which has one already.
    :param is_checked: False leaves the finished bundle unchecked.
    :param is_strict: refuse it where the function had more here than Lambda gives it.
    :returns: what was made, with warnings; its `bundle` is for the other functions.
    :raises ConfigError: `output` holds something else than a bundle.
    :raises CheckFailed: the bundle would not work on its target; nothing was written.
    :raises PackagerError: as :func:`plan` and :func:`packager.open_model`; a tool failed.
    """
    if isinstance(model, BuildPlan):
        if config is not None:
            raise ConfigError("the plan has its configuration: plan again to change it")
        return build_whole(
            model, Path(output), is_checked=is_checked, is_strict=is_strict, progress=progress
        )
    with opened(model, progress) as there:
        planned = plan(there, config, output=output, progress=progress)
        return build_whole(
            planned, Path(output), is_checked=is_checked, is_strict=is_strict, progress=progress
        )


def check(
    bundle: BundleLike,
    *,
    model: Any = None,
    gates: Gates | None = None,
    is_static: bool = False,
    is_strict: bool = False,
    memory_mib: int | None = None,
    progress: Progress = LOGGED,
) -> CheckReport:
    """Check that a bundle works on its target; `packager.build` does so by itself.

    :param model: what the bundle was built from, to compare predictions with: an open `Model`, or
        anything that :func:`packager.open_model` takes.
    :param gates: limits of the user's own, each a check.
    :param is_static: only read the zips, run nothing.
    :param is_strict: a check fails where the function had more here than Lambda gives it.
    :param memory_mib: what the function may take. None: as much as the template gives.
    :returns: what passed, failed, and could not be checked here.
    :raises BundleInvalid: it is not a whole bundle.
    :raises ConfigError: it was built from another model.
    """
    there = as_bundle(bundle, progress)
    run = partial(
        check_bundle,
        there,
        gates=gates,
        is_static=is_static,
        is_strict=is_strict,
        memory_mib=memory_mib,
        progress=progress,
    )
    if model is None:
        return run()
    with opened(model, progress) as source:
        _check_origin(source, there)
        requirements = inference_requirements(source.spec)
        dropped = (*requirements.dropped, *requirements.excluded)
        return run(source_model=source.folder, dropped=dropped)


def _check_origin(model: Model, bundle: Bundle) -> None:
    if model.spec.info.logged_sha256 != bundle.manifest.model.logged_sha256:
        raise ConfigError(
            f"{model.name} is not the model that {bundle.folder} was built from",
            hint="Give that one, or build the bundle again: names as latest move on.",
        )
