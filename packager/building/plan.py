"""Decide what a build will do, before anything is written."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from handler.manifest import ModelSource, PackageType
from packager.aws.runtimes import Target
from packager.building.config import BuildConfig
from packager.building.own_python import OwnPython, choose_place, in_own_python
from packager.building.target import Choice
from packager.bundle.image import package_type_for
from packager.bundle.sizing import check_fits, size_warnings
from packager.engine.choose import describe, is_converted, optimize_model
from packager.errors import ConfigError
from packager.lock.pylock import Lock
from packager.lock.resolve import Resolver, UvResolver
from packager.model.flavors.table import flavor_named
from packager.model.mlmodel import ModelSpec, read_mlmodel
from packager.model.safety import SAFE_VERSIONS, check_safe, what_executes_code
from packager.packages.prepare import Packing
from packager.progress import LOGGED, Progress
from packager.requirements.overrides import apply_overrides
from packager.requirements.select import Requirements, inference_requirements


@dataclass(frozen=True)
class BuildPlan:
    """Everything a build needs to know; `--dry-run` prints it."""

    config: BuildConfig
    source: ModelSpec = field(repr=False)
    """The model as it was logged."""
    spec: ModelSpec = field(repr=False)
    """The model as the bundle carries it: the same, or compiled."""
    target: Target
    requirements: Requirements
    lock: Lock = field(repr=False)
    package_type: PackageType
    model_source: ModelSource
    own: OwnPython | None = field(repr=False)
    """The Python that the model alone runs in; None: it runs in the function's."""
    notes: tuple[str, ...]
    """What was decided for the user, and why."""
    warnings: tuple[str, ...]

    @property
    def packing(self) -> Packing:
        """How the dependencies are to be laid out."""
        has_reader = self.requirements.parquet_reader is not None
        return Packing(
            is_trimmed=self.config.is_trimmed,
            # An image has room for both, and what goes into one reads its own sources: torch
            # when it is imported, TensorFlow when it makes graphs of functions.
            is_sourceless=self.config.is_sourceless and self.package_type == "zip",
            packs_parquet_reader=has_reader,
            packs_packages=_does_without_pandas(self.spec),
            is_layer=self.config.has_layer,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as data for `--json`."""
        return {
            "flavor": self.spec.info.flavor,
            "serialization_format": self.spec.info.serialization_format,
            "executes_code": self.spec.info.executes_code,
            "engine": asdict(self.spec.info.engine),
            "target": {
                "runtime": self.target.runtime.name,
                "architecture": self.target.architecture,
            },
            "package_type": self.package_type,
            "model_source": self.model_source,
            "has_layer": self.config.has_layer,
            "requirements": list(self.requirements.lines),
            "dropped": [
                asdict(drop) for drop in (*self.requirements.dropped, *self.requirements.excluded)
            ],
            "replaced": [asdict(item) for item in self.requirements.replaced],
            "added": [asdict(item) for item in self.requirements.added],
            "packages": [
                {"name": package.name, "version": package.version} for package in self.lock.packages
            ],
            "own_python": self.own
            and {
                "python": self.own.python,
                "requirements": list(self.own.requirements),
                "packages": [asdict(package) for package in self.own.lock.packages],
            },
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }


def plan_bundle(
    model: Path,
    config: BuildConfig,
    *,
    resolver: Resolver | None = None,
    progress: Progress = LOGGED,
) -> BuildPlan:
    """Read the model in this MLflow folder and resolve its requirements for the target.

    :raises ModelError: the folder is not a model that can be served, or not a safe one.
    :raises ConfigError: unknown runtime or architecture, `--locked` without a lock, or a layer
        for a container image.
    :raises DependencyError: the requirements cannot be met on the target.
    :raises LimitExceeded: the model is larger than what a function can have.
    """
    _check_layer(config, config.package, None)
    source = read_mlmodel(model)
    if config.is_safe_only:
        check_safe(source)
        config = replace(config, constraints=(*config.constraints, *SAFE_VERSIONS))
    if source.info.executes_code and is_converted(source, config.optimization):
        progress.detail(f"{what_executes_code(source)}: it is loaded now")
    wanted = replace(config.optimization, rewrites=not config.is_safe_only)
    spec = optimize_model(source, wanted, config.surroundings, progress=progress)
    requirements = apply_overrides(
        config.overrides,
        inference_requirements(
            spec, architecture=config.architecture, with_parquet=config.with_parquet
        ),
    )
    choice, own = choose_place(spec, requirements, config, resolver or UvResolver(), progress)
    if own:
        spec = in_own_python(source, own)
    for line in changes(requirements):
        progress.detail(line)
    progress.detail(f"{len(choice.lock.packages)} packages")
    names = [package.name for package in choice.lock.packages]
    package_type, reason = package_type_for(names, config.package)
    if own:
        package_type, reason = "image", own.note
    _check_layer(config, package_type, reason)
    model_source = _model_source(config, package_type)
    check_fits(spec.info, model_source)
    return BuildPlan(
        config=config,
        source=source,
        spec=spec,
        target=choice.target,
        requirements=requirements,
        lock=choice.lock,
        package_type=package_type,
        model_source=model_source,
        own=own,
        notes=tuple(note for note in (describe(spec.info.engine), choice.note, reason) if note),
        warnings=(*_warnings(source, choice, own), *size_warnings(spec.info, model_source)),
    )


def changes(requirements: Requirements) -> list[str]:
    """Return in words, a line each, what is otherwise than the model recorded, and why."""
    dropped = (*requirements.dropped, *requirements.excluded)
    return [
        *(f"without {item.requirement}: {item.reason}" for item in dropped),
        *(
            f"{item.replacement} instead of {item.requirement}: {item.reason}"
            for item in requirements.replaced
        ),
        *(f"with {item.requirement}: {item.reason}" for item in requirements.added),
    ]


def _check_layer(config: BuildConfig, package: str, reason: str | None) -> None:
    if config.has_layer and package == "image":
        why = f" ({reason})" if reason else ""
        raise ConfigError(
            "--layer is for zips: Lambda attaches no layers to a function that is a container"
            f" image{why}",
            hint="Leave out --layer: what images have in common, as these dependencies, a registry"
            " keeps only once anyway.",
        )


def _does_without_pandas(spec: ModelSpec) -> bool:
    engine = spec.info.engine
    if engine.name != "exact":
        return True
    # Other libraries import pandas where it is, whatever they are given.
    modules = {module.partition(".")[0] for module in engine.modules}
    return engine.input_kind == "array" and modules == {"sklearn"}


def _model_source(config: BuildConfig, package_type: PackageType) -> ModelSource:
    if config.model_source != "auto":
        return config.model_source
    return "embedded" if package_type == "image" else "s3"


def _warnings(spec: ModelSpec, choice: Choice, own: OwnPython | None) -> list[str]:
    warnings = []
    if spec.info.executes_code:
        warnings.append(
            f"{what_executes_code(spec)}. Build only models that you trust; --safe-only refuses"
            " such models"
        )
    trained_under = spec.python_minor
    python = choice.target.runtime.python
    if trained_under and trained_under != python and spec.info.executes_code and not own:
        warnings.append(
            f"the model was saved under Python {trained_under} and will be loaded under"
            f" {python}: a pickle names modules and attributes as that Python and those versions"
            " had them"
        )
    return [*warnings, *flavor_named(spec.info.flavor).warnings(spec.info)]
