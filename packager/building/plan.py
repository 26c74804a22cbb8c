"""Decide what a build will do, before anything is written."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from handler.manifest import ModelSource, PackageType
from packager.aws.runtimes import Target
from packager.building.config import BuildConfig
from packager.building.missing_module import check_no_program, missing_module
from packager.building.own_python import OwnPython, choose_place, in_own_python
from packager.building.target import Choice
from packager.bundle.image import package_type_for
from packager.bundle.sizing import check_fits, size_warnings
from packager.engine.choose import describe, is_loaded, optimize_model
from packager.engine.plain_strings import with_plain_strings
from packager.errors import ConfigError, ModelNotLoadable
from packager.lock.pylock import Lock
from packager.lock.resolve import Resolver, UvResolver
from packager.model.flavors.table import flavor_named
from packager.model.mlmodel import ModelSpec, read_mlmodel
from packager.model.safety import SAFE_VERSIONS, check_safe, what_executes_code
from packager.packages.prepare import Packing
from packager.progress import LOGGED, Progress
from packager.requirements.model_indexes import named_indexes, with_model_indexes
from packager.requirements.overrides import apply_overrides
from packager.requirements.select import Requirements, inference_requirements

_ASKED = ("sample", "refused_sample", "sample_refusal")
"""What a model's info says of it that was found out by asking it."""


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
            "ignored": [asdict(item) for item in self.requirements.ignored],
            "replaced": [
                asdict(item) for item in (*self.requirements.reread, *self.requirements.replaced)
            ],
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
    origin: str | None = None,
    resolver: Resolver | None = None,
    progress: Progress = LOGGED,
) -> BuildPlan:
    """Read the model in this MLflow folder and resolve its requirements for the target.

    :param origin: what the model was opened as: what it lacks may lie beside it.
    :raises ModelError: the folder is not a model that can be served, or not a safe one; or it
        cannot be loaded in its own environment.
    :raises ConfigError: unknown runtime or architecture, `--locked` without a lock, or a layer
        for a container image.
    :raises DependencyError: the requirements cannot be met on the target.
    :raises LimitExceeded: the model is larger than what a function can have.
    """
    _check_layer(config, config.package, None)
    source = read_mlmodel(model)
    check_no_program(source)
    if config.uses_model_indexes:
        indexes = with_model_indexes(config.indexes, source.requirements, model)
        config = replace(config, indexes=indexes)
    if config.is_safe_only:
        check_safe(source)
        config = replace(config, constraints=(*config.constraints, *SAFE_VERSIONS))
    if source.info.executes_code and is_loaded(source, config.optimization):
        progress.detail(f"{what_executes_code(source)}: it is loaded now")
    wanted = replace(config.optimization, rewrites=not config.is_safe_only)
    try:
        plain, text_note = with_plain_strings(source, config.surroundings, progress=progress)
        spec = optimize_model(plain, wanted, config.surroundings, progress=progress)
    except ModelNotLoadable as error:
        dropped = inference_requirements(source).dropped
        raise missing_module(error, source, dropped, origin) from error
    requirements = apply_overrides(
        config.overrides,
        inference_requirements(
            spec, architecture=config.architecture, with_parquet=config.with_parquet
        ),
    )
    for line in changes(requirements):
        progress.detail(line)
    choice, own = choose_place(spec, requirements, config, resolver or UvResolver(), progress)
    if own:
        asked = {name: getattr(spec.info, name) for name in _ASKED}
        spec = in_own_python(replace(source, info=replace(source.info, **asked)), own)
        text_note = None
    progress.detail(f"{len(choice.lock.packages)} packages")
    names = [package.name for package in choice.lock.packages]
    package_type, reason = package_type_for(names, config.package)
    if own:
        package_type, reason = "image", own.note
    _check_layer(config, package_type, reason)
    model_source = _model_source(config, package_type)
    check_fits(spec.info, model_source)
    notes = (
        describe(spec.info.engine),
        text_note,
        choice.note,
        reason,
        *_relaxed(requirements, own.lock if own else choice.lock),
    )
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
        notes=tuple(note for note in notes if note),
        warnings=(
            *_index_warnings(source, config),
            *_warnings(source, spec, choice),
            *size_warnings(spec.info, model_source),
        ),
    )


def may_become_image(plan: BuildPlan) -> bool:
    """Tell whether a bundle that fits no zip may be a container image, unasked."""
    config = plan.config
    return plan.package_type == "zip" and config.package == "auto" and not config.has_layer


def as_image(plan: BuildPlan, reason: str) -> BuildPlan:
    """Return the plan of the same bundle as a container image.

    :param reason: why it cannot be a zip, in a sentence.
    """
    return replace(
        plan,
        package_type="image",
        model_source=_model_source(plan.config, "image"),
        notes=(*plan.notes, f"packaged as a container image: {reason}"),
    )


def changes(requirements: Requirements) -> list[str]:
    """Return in words, a line each, what is otherwise than the model recorded, and why."""
    dropped = (*requirements.dropped, *requirements.excluded)
    return [
        *(f"without {item.requirement}: {item.reason}" for item in dropped),
        *(f"ignored: {item.line}: {item.reason}" for item in requirements.ignored),
        *(
            f"{item.replacement} instead of {item.requirement}: {item.reason}"
            for item in (*requirements.reread, *requirements.replaced)
        ),
        *(f"with {item.requirement}: {item.reason}" for item in requirements.added),
    ]


def _relaxed(requirements: Requirements, lock: Lock) -> Iterator[str]:
    """Yield what comes in another version than the model recorded, and need not be in that."""
    versions = {package.name: package.version for package in lock.packages}
    for pin in requirements.preferences:
        name, _, recorded = pin.partition("==")
        found = versions.get(canonicalize_name(name))
        if found is not None and found != recorded:
            yield f"{name} {found} in place of {recorded}, which the other packages do not take"


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


def _index_warnings(source: ModelSpec, config: BuildConfig) -> Iterator[str]:
    named = named_indexes(source.requirements)
    if named and not config.uses_model_indexes:
        yield (
            f"the model's requirements name {', '.join(named)}, which was not asked for packages:"
            " --use-model-indexes asks there too"
        )


def _warnings(source: ModelSpec, spec: ModelSpec, choice: Choice) -> list[str]:
    warnings = []
    if source.info.executes_code:
        warnings.append(
            f"{what_executes_code(source)}. Build only models that you trust; --safe-only refuses"
            " such models"
        )
    trained_under = source.python_minor
    python = choice.target.runtime.python
    is_elsewhere = trained_under != python and spec.info.own_python is None
    if trained_under and is_elsewhere and spec.info.executes_code:
        warnings.append(
            f"the model was saved under Python {trained_under} and will be loaded under"
            f" {python}: a pickle names modules and attributes as that Python and those versions"
            " had them"
        )
    return [*warnings, *flavor_named(source.info.flavor).warnings(source.info)]
