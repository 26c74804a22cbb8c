"""The story of a build: plan, dependencies, model, archive, check; all or nothing."""

import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from handler.manifest import (
    MANIFEST_NAME,
    MODEL_FOLDER,
    OWN_PACKAGES_FOLDER,
    BundleManifest,
    FileEntry,
    ProofEntry,
    TargetInfo,
)
from packager.aws.runtimes import MAX_IMAGE_BYTES, MAX_UNZIPPED_BYTES
from packager.building.plan import BuildPlan, as_image, may_become_image
from packager.bundle.folder import (
    EVENTS_FOLDER,
    FUNCTION_ZIP,
    LAYER_ZIP,
    LOCK_NAME,
    MODEL_ZIP,
    SBOM_NAME,
    TEMPLATE_NAME,
    Bundle,
    read_bundle,
    replaced_folder,
)
from packager.bundle.image import write_image_context
from packager.bundle.sample_events import write_events
from packager.bundle.sbom import InstalledPart, render_sbom
from packager.bundle.sizing import memory_warning, size_function
from packager.bundle.skeleton import copy_handler, copy_model, write_manifest
from packager.bundle.template import render_template
from packager.checking.proof import NOT_CHECKED, problem_of_proof
from packager.checking.report import CheckReport
from packager.checking.story import check_bundle
from packager.errors import CheckFailed, ConfigError, LimitExceeded, NotProven, PathCollision
from packager.lock.pylock import OWN_LOCK_NAME
from packager.packages.bytecode import TASK_ROOT, compile_bytecode
from packager.packages.own_tree import OwnTree, link_tree, prepare_own_tree
from packager.packages.prepare import Dependencies, Facts, prepare_dependencies
from packager.packages.size_limit import check_unzipped, direct_upload_warning
from packager.packages.trim import tree_size
from packager.progress import LOGGED, Progress
from packager.support.digests import file_entry
from packager.support.zips import (
    archive_files,
    extend_archive,
    frame_sha256,
    sorted_files,
    write_archive,
)
from packager.version import __version__


@dataclass(frozen=True)
class BuildReport:
    """What a build made."""

    output: Path
    plan: BuildPlan = field(repr=False)
    manifest: BundleManifest = field(repr=False)
    """With `artifacts` and `checks` filled, as `bundle.json` in the output folder."""
    dependencies: Facts = field(repr=False)
    unzipped_bytes: int
    """What Lambda counts against its limit."""
    checked: CheckReport | None = field(repr=False)
    """None: the user wanted no check."""
    warnings: tuple[str, ...]

    @property
    def proof(self) -> ProofEntry:
        """Whether the function ran, and predicted what the source model predicts."""
        return self.checked.proof if self.checked else NOT_CHECKED

    @property
    def bundle(self) -> Bundle:
        """The finished bundle."""
        return Bundle(self.output, self.manifest)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as data for `--json` and `--report`."""
        facts = self.dependencies
        return {
            "version": "1.0",
            "output": str(self.output),
            "proof": asdict(self.proof),
            "plan": self.plan.to_dict(),
            "artifacts": [asdict(item) for item in self.manifest.artifacts],
            "untrimmed_bytes": facts.untrimmed_bytes,
            "unzipped_bytes": self.unzipped_bytes,
            "trimmed": [asdict(item) for item in facts.trimmed],
            "provided_libraries": [asdict(item) for item in facts.provided_libraries],
            "parquet_reader": facts.parquet_reader and asdict(facts.parquet_reader),
            "largest_packages": [
                {"name": name, "size_bytes": size} for name, size in facts.largest
            ],
            "check": self.checked and self.checked.to_dict(),
            "warnings": list(self.warnings),
        }


def build_bundle(
    plan: BuildPlan,
    output: Path,
    *,
    is_checked: bool = True,
    is_strict: bool = False,
    progress: Progress = LOGGED,
) -> BuildReport:
    """Build the planned bundle into `output`, which is replaced as a whole or not at all.

    What fits no zip becomes a container image, where the user left that open.

    :param is_checked: False leaves the finished bundle unchecked.
    :param is_strict: refuse it where the function had more here than Lambda gives it.
    :returns: its plan is of an image then.
    :raises ConfigError: `output` holds something that is no bundle, or a proof is asked for and
        no check.
    :raises LimitExceeded: Lambda would refuse the result.
    :raises BundleError: two parts want the same path.
    :raises CheckFailed: the bundle would not work on its target.
    :raises NotProven: a proof was asked for, and there is none.
    :raises ToolError: uv failed.
    """
    if plan.config.requires_proof and not is_checked:
        raise ConfigError("a bundle that is not checked cannot be proven")
    try:
        return _build(plan, output, progress, is_checked=is_checked, is_strict=is_strict)
    except LimitExceeded as error:
        if not may_become_image(plan):
            raise
        as_zip = str(error).partition("\n")[0].rstrip(":")
        progress.detail(f"{as_zip}: building a container image")
        image = as_image(plan, as_zip)
        return _build(image, output, progress, is_checked=is_checked, is_strict=is_strict)


def _build(
    plan: BuildPlan, output: Path, progress: Progress, *, is_checked: bool, is_strict: bool
) -> BuildReport:
    with replaced_folder(output) as draft:
        dependencies = prepare_dependencies(
            plan.lock, plan.target, plan.packing, indexes=plan.config.indexes, progress=progress
        )
        own = _prepare_own(plan, progress)
        progress.step("Adding handler and model")
        manifest = _archive_model(plan, dependencies.facts, draft)
        if plan.config.has_layer:
            shutil.copyfile(dependencies.archive, draft / LAYER_ZIP)
            manifest = replace(manifest, layer=file_entry(draft / LAYER_ZIP, LAYER_ZIP))
        unzipped_bytes = _write_function(plan, manifest, dependencies, own, draft)
        manifest = _write_companions(plan, manifest, dependencies.facts, own, draft)
        checked = _check(plan, draft, progress, is_strict=is_strict) if is_checked else None
        if checked:
            manifest = replace(manifest, checks=checked.entries)
        manifest = replace(manifest, proof=checked.proof if checked else NOT_CHECKED)
        write_manifest(manifest, draft)
    return BuildReport(
        output=output,
        plan=plan,
        manifest=manifest,
        dependencies=dependencies.facts,
        unzipped_bytes=unzipped_bytes,
        checked=checked,
        warnings=tuple(_warnings(plan, manifest, dependencies.facts, checked)),
    )


def _prepare_own(plan: BuildPlan, progress: Progress) -> OwnTree | None:
    """Return the packages of the model's own Python, where it has one."""
    if plan.own is None:
        return None
    return prepare_own_tree(
        plan.own.lock,
        plan.own.target,
        is_trimmed=plan.config.is_trimmed,
        indexes=plan.config.indexes,
        progress=progress,
    )


def _archive_model(plan: BuildPlan, facts: Facts, draft: Path) -> BundleManifest:
    """Write the model archive where the source is S3, and return the manifest of the zip."""
    archive: FileEntry | None = None
    frame: str | None = None
    if plan.model_source == "s3":
        # From where they are: a model may have gigabytes.
        files = {entry.path: plan.spec.folder / entry.path for entry in plan.spec.info.files}
        archive = archive_files(files, draft / MODEL_ZIP, compress=False)
        frame = frame_sha256(draft / MODEL_ZIP, files)
    return BundleManifest(
        packager_version=__version__,
        target=TargetInfo(plan.target.runtime.name, plan.target.architecture),
        model=plan.spec.info,
        model_source=plan.model_source,
        model_archive=archive,
        archive_frame_sha256=frame,
        packages=plan.lock.packages,
        packed=facts.packed,
        own_packages=plan.own.lock.packages if plan.own else (),
        package_type=plan.package_type,
    )


def _write_function(
    plan: BuildPlan,
    manifest: BundleManifest,
    dependencies: Dependencies,
    own: OwnTree | None,
    draft: Path,
) -> int:
    """Write the function's zip and return the bytes that it and its layer unpack to."""
    facts = dependencies.facts
    for name, _ in facts.largest:
        if name in ("handler", "handler.py", "handler.pyc", MANIFEST_NAME, MODEL_FOLDER):
            raise PathCollision(name, "the handler", _owner(name, facts))
    staging = draft / "staging"
    staging.mkdir()
    copy_handler(staging, plan.spec.info.flavor, plan.target.architecture)
    # Ours keeps its sources: tracebacks in CloudWatch show the lines, for 100 kB.
    compile_bytecode(
        staging / "handler", plan.target, task_folder=f"{TASK_ROOT}/handler", keep_sources=True
    )
    if manifest.model_source == "embedded":
        copy_model(plan.spec, staging / MODEL_FOLDER)
    if own:
        link_tree(own.tree, staging / OWN_PACKAGES_FOLDER)
    write_manifest(manifest, staging)
    unzipped_bytes = facts.size_bytes + tree_size(staging)
    is_image = plan.package_type == "image"
    check_unzipped(
        unzipped_bytes,
        facts.largest,
        limit_bytes=MAX_IMAGE_BYTES if is_image else MAX_UNZIPPED_BYTES,
    )
    if manifest.layer:
        write_archive(staging, draft / FUNCTION_ZIP)
    else:
        extend_archive(dependencies.archive, staging, draft / FUNCTION_ZIP)
    shutil.rmtree(staging)
    return unzipped_bytes


def _owner(name: str, facts: Facts) -> str:
    # Wheels name their sources; what is in the zip may be the bytecode alone.
    names = {name, name.removesuffix("c")}
    owners = [item.name for item in facts.distributions if not names.isdisjoint(item.top_level)]
    return f"the dependency {owners[0]}" if owners else "a dependency"


def _write_companions(
    plan: BuildPlan, manifest: BundleManifest, facts: Facts, own: OwnTree | None, draft: Path
) -> BundleManifest:
    """Write what lies beside the zip; `bundle.json` last, since it names all the others."""
    (draft / LOCK_NAME).write_text(plan.lock.text, encoding="utf-8")
    parts = [InstalledPart(facts.distributions, plan.lock.text, plan.target.runtime.python)]
    if plan.own and own:
        (draft / OWN_LOCK_NAME).write_text(plan.own.lock.text, encoding="utf-8")
        text, python = plan.own.lock.text, plan.own.python
        parts.append(InstalledPart(own.distributions, text, python, is_own=True))
    sbom = render_sbom(manifest, *parts)
    (draft / SBOM_NAME).write_text(sbom, encoding="utf-8")
    (draft / TEMPLATE_NAME).write_text(render_template(manifest), encoding="utf-8")
    if plan.package_type == "image":
        write_image_context(manifest, draft)
    write_events(manifest, draft / EVENTS_FOLDER)
    artifacts = tuple(
        file_entry(path, path.relative_to(draft).as_posix()) for path in sorted_files(draft)
    )
    full = replace(manifest, artifacts=artifacts)
    write_manifest(full, draft)
    return full


def _check(plan: BuildPlan, draft: Path, progress: Progress, *, is_strict: bool) -> CheckReport:
    dropped = (*plan.requirements.dropped, *plan.requirements.excluded)
    report = check_bundle(
        read_bundle(draft),
        source_model=plan.source.folder,
        dropped=dropped,
        surroundings=plan.config.surroundings,
        is_strict=is_strict,
        progress=progress,
    )
    if not report.is_ok:
        raise CheckFailed(
            [(problem.message, problem.hint) for problem in report.problems],
            modules=[problem.module for problem in report.problems if problem.module],
        )
    unproven = problem_of_proof(report.proof)
    if unproven and plan.config.requires_proof:
        raise NotProven(f"{unproven.message}: nothing was written", hint=unproven.hint)
    return report


def _warnings(
    plan: BuildPlan, manifest: BundleManifest, facts: Facts, checked: CheckReport | None
) -> list[str]:
    warnings = list(plan.warnings)
    python = plan.target.runtime.python
    if facts.python is None:
        warnings.append(
            f"no Python {python} here to compile with: the bundle works, but cold starts take"
            f" about three times the CPU. `uv python install {python}` gets one"
        )
    if checked:
        sizing = size_function(manifest.model, manifest.model_source)
        too_little = memory_warning(sizing, checked.measurements.peak_memory_mib)
        warnings += [too_little] if too_little else []
    if plan.package_type == "zip":
        zips = [item for item in manifest.artifacts if item.path in (FUNCTION_ZIP, LAYER_ZIP)]
        warnings += filter(None, (direct_upload_warning(item) for item in zips))
    return warnings
