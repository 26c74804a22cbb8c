"""Decide what a build will do, before anything is written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handler.manifest import ModelSource
from packager.errors import UnsafeFormat
from packager.mlmodel import ModelSpec, read_mlmodel
from packager.progress import SILENT, Progress
from packager.requirements import RUNTIME_PACKAGES, Requirements, inference_requirements
from packager.resolve import Lock, Resolver, UvResolver
from packager.targets import Target, find_target, runtime_for_python


@dataclass(frozen=True)
class BuildConfig:
    """What the user asked for."""

    model_source: ModelSource = "s3"
    runtime: str = "auto"
    """A Lambda identifier, or `auto`: the Python that the model was trained under."""
    architecture: str = "x86_64"
    is_safe_only: bool = False
    """Refuse formats that execute code when loaded."""
    with_parquet: bool = False
    """Answer parquet bodies too, which takes a reader."""


@dataclass(frozen=True)
class BuildPlan:
    """Everything a build needs to know; `--dry-run` prints it."""

    config: BuildConfig
    spec: ModelSpec
    target: Target
    requirements: Requirements
    lock: Lock
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as data for `--json`."""
        return {
            "flavor": self.spec.info.flavor,
            "serialization_format": self.spec.info.serialization_format,
            "executes_code": self.spec.info.executes_code,
            "target": {
                "runtime": self.target.runtime.name,
                "architecture": self.target.architecture,
            },
            "model_source": self.config.model_source,
            "requirements": list(self.requirements.lines),
            "dropped": [
                {"requirement": drop.requirement, "reason": drop.reason}
                for drop in (*self.requirements.dropped, *self.requirements.excluded)
            ],
            "packages": [
                {"name": package.name, "version": package.version} for package in self.lock.packages
            ],
            "warnings": list(self.warnings),
        }


def plan_bundle(
    model: Path,
    config: BuildConfig,
    *,
    resolver: Resolver | None = None,
    progress: Progress = SILENT,
) -> BuildPlan:
    """Read the model in this MLflow folder and resolve its requirements for the target.

    :raises ModelError: the folder is not a model that can be served.
    :raises ConfigError: unknown runtime or architecture.
    :raises DependencyError: the requirements cannot be met on the target.
    """
    spec = read_mlmodel(model)
    if config.is_safe_only and spec.info.executes_code:
        raise UnsafeFormat(_what_executes_code(spec))
    target = _choose_target(spec, config)
    requirements = inference_requirements(spec, with_parquet=config.with_parquet)
    progress.step(f"Resolving {len(requirements.lines)} requirements for {target.description}")
    for drop in (*requirements.dropped, *requirements.excluded):
        progress.detail(f"without {drop.requirement}: {drop.reason}")
    lock = (resolver or UvResolver()).resolve(
        requirements.lines,
        target,
        runtime_packages=RUNTIME_PACKAGES,
        excluded=[drop.requirement for drop in requirements.excluded],
    )
    progress.detail(f"{len(lock.packages)} packages")
    return BuildPlan(config, spec, target, requirements, lock, tuple(_warnings(spec, target)))


def _choose_target(spec: ModelSpec, config: BuildConfig) -> Target:
    is_auto = config.runtime == "auto"
    runtime = runtime_for_python(spec.python_version) if is_auto else config.runtime
    return find_target(runtime, config.architecture)


def _warnings(spec: ModelSpec, target: Target) -> list[str]:
    warnings = []
    if spec.info.executes_code:
        warnings.append(
            f"{_what_executes_code(spec)}. Build only models that you trust; --safe-only refuses"
            " such models"
        )
    trained_under = spec.python_version and ".".join(spec.python_version.split(".")[:2])
    if trained_under and trained_under != target.runtime.python and spec.info.executes_code:
        warnings.append(
            f"the model was saved under Python {trained_under} and will be loaded under"
            f" {target.runtime.python}: pickled code may not survive that"
        )
    return warnings


def _what_executes_code(spec: ModelSpec) -> str:
    if spec.info.code_path is not None:
        return f"the model brings code of its own in {spec.info.code_path}/, which loading executes"
    return (
        f"{spec.info.data_path} is in {spec.info.serialization_format} format: loading it executes"
        " code"
    )
