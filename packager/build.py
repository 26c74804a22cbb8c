"""The story of a build: plan, install, trim, compile, archive, all or nothing."""

import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from handler.manifest import (
    MANIFEST_NAME,
    MODEL_FOLDER,
    BundleManifest,
    FileEntry,
    TargetInfo,
)
from packager import __version__
from packager.archive import file_entry, sorted_files, write_archive
from packager.bundle import (
    EVENTS_FOLDER,
    FUNCTION_ZIP,
    LOCK_NAME,
    MODEL_ZIP,
    TEMPLATE_NAME,
    replaced_folder,
)
from packager.bytecode import TASK_ROOT, compile_bytecode
from packager.errors import PathCollision
from packager.events import write_events
from packager.install import install_lock
from packager.limits import check_unzipped, direct_upload_warning, largest_packages
from packager.parquet import PackedReader, pack_reader
from packager.plan import BuildPlan
from packager.progress import SILENT, Progress
from packager.prune import Trimmed, prune, tree_size
from packager.sam import render_template
from packager.skeleton import copy_handler, copy_model, write_manifest


@dataclass(frozen=True)
class BuildReport:
    """What a build made."""

    output: Path
    plan: BuildPlan
    manifest: BundleManifest
    """With `artifacts` filled, as `bundle.json` in the output folder."""
    untrimmed_bytes: int
    """The dependencies as their wheels unpack."""
    unzipped_bytes: int
    """What Lambda counts against its limit."""
    trimmed: tuple[Trimmed, ...]
    parquet_reader: PackedReader | None
    largest_packages: tuple[tuple[str, int], ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as data for `--json` and `--report`."""
        return {
            "version": "1.0",
            "output": str(self.output),
            "plan": self.plan.to_dict(),
            "artifacts": [
                {"path": item.path, "size_bytes": item.size_bytes, "sha256": item.sha256}
                for item in self.manifest.artifacts
            ],
            "untrimmed_bytes": self.untrimmed_bytes,
            "unzipped_bytes": self.unzipped_bytes,
            "trimmed": [
                {"glob": item.rule.glob, "reason": item.rule.reason, "size_bytes": item.size_bytes}
                for item in self.trimmed
            ],
            "parquet_reader": self.parquet_reader and asdict(self.parquet_reader),
            "largest_packages": [
                {"name": name, "size_bytes": size} for name, size in self.largest_packages
            ],
            "warnings": list(self.warnings),
        }


def build_bundle(plan: BuildPlan, output: Path, *, progress: Progress = SILENT) -> BuildReport:
    """Build the planned bundle into `output`, which is replaced as a whole or not at all.

    :raises ConfigError: `output` holds something that is no bundle.
    :raises LimitExceeded: Lambda would refuse the result.
    :raises BundleError: two parts want the same path.
    :raises ToolError: uv failed.
    """
    with replaced_folder(output) as draft:
        staging = draft / "staging"
        staging.mkdir()
        untrimmed_bytes, trimmed, compile_warning = _stage_dependencies(plan, staging, progress)
        reader = _stage_parquet_reader(plan, staging, progress)
        manifest = _archive_model(plan, draft)
        _stage_ours(plan, manifest, staging)
        unzipped_bytes = check_unzipped(staging)
        packages = tuple(largest_packages(staging))
        progress.step(f"Writing {FUNCTION_ZIP}")
        zipped = write_archive(staging, draft / FUNCTION_ZIP)
        progress.detail(f"{zipped.size_bytes / 1e6:.1f} MB zipped")
        shutil.rmtree(staging)
        manifest = _write_companions(plan, manifest, draft)
    upload_warning = direct_upload_warning(zipped.size_bytes)
    warnings = (*plan.warnings, compile_warning, upload_warning)
    return BuildReport(
        output=output,
        plan=plan,
        manifest=manifest,
        untrimmed_bytes=untrimmed_bytes,
        unzipped_bytes=unzipped_bytes,
        trimmed=trimmed,
        parquet_reader=reader,
        largest_packages=packages,
        warnings=tuple(warning for warning in warnings if warning),
    )


def _stage_dependencies(
    plan: BuildPlan, staging: Path, progress: Progress
) -> tuple[int, tuple[Trimmed, ...], str | None]:
    progress.step(f"Installing {len(plan.lock.packages)} packages for {plan.target.description}")
    install_lock(plan.lock, plan.target, staging)
    untrimmed_bytes = tree_size(staging)
    trimmed = prune(staging)
    progress.detail(f"{untrimmed_bytes / 1e6:.1f} MB, trimmed to {tree_size(staging) / 1e6:.1f} MB")
    python = plan.target.runtime.python
    progress.step(f"Compiling to bytecode with Python {python}")
    if compile_bytecode(staging, plan.target):
        return untrimmed_bytes, trimmed, None
    return (
        untrimmed_bytes,
        trimmed,
        f"no Python {python} here to compile with: the bundle works, but cold starts take about"
        f" three times the CPU. `uv python install {python}` gets one",
    )


def _stage_parquet_reader(
    plan: BuildPlan, staging: Path, progress: Progress
) -> PackedReader | None:
    if plan.requirements.parquet_reader is None:
        return None
    progress.step("Packing the parquet reader")
    reader = pack_reader(staging)
    progress.detail(reader.weight)
    return reader


def _archive_model(plan: BuildPlan, draft: Path) -> BundleManifest:
    """Write the model archive where the source is S3, and return the manifest of the zip."""
    archive: FileEntry | None = None
    if plan.config.model_source == "s3":
        model = draft / MODEL_FOLDER
        copy_model(plan.spec, model)
        archive = write_archive(model, draft / MODEL_ZIP, compress=False)
        shutil.rmtree(model)
    return BundleManifest(
        packager_version=__version__,
        target=TargetInfo(plan.target.runtime.name, plan.target.architecture),
        model=plan.spec.info,
        model_source=plan.config.model_source,
        model_archive=archive,
        packages=plan.lock.packages,
    )


def _stage_ours(plan: BuildPlan, manifest: BundleManifest, staging: Path) -> None:
    """Put handler, manifest and an embedded model among the dependencies."""
    for name in ("handler", "handler.pyc", MANIFEST_NAME, MODEL_FOLDER):
        if (staging / name).exists():
            raise PathCollision(name, "the handler", "a dependency")
    copy_handler(staging)
    # Ours keeps its sources: tracebacks in CloudWatch show the lines, for 100 kB.
    compile_bytecode(
        staging / "handler", plan.target, task_folder=f"{TASK_ROOT}/handler", keep_sources=True
    )
    if manifest.model_source == "embedded":
        copy_model(plan.spec, staging / MODEL_FOLDER)
    write_manifest(manifest, staging)


def _write_companions(plan: BuildPlan, manifest: BundleManifest, draft: Path) -> BundleManifest:
    """Write what lies beside the zip; `bundle.json` last, since it names all the others."""
    (draft / LOCK_NAME).write_text(plan.lock.text, encoding="utf-8")
    (draft / TEMPLATE_NAME).write_text(render_template(manifest), encoding="utf-8")
    write_events(manifest, draft / EVENTS_FOLDER)
    artifacts = tuple(
        file_entry(path, path.relative_to(draft).as_posix()) for path in sorted_files(draft)
    )
    full = replace(manifest, artifacts=artifacts)
    write_manifest(full, draft)
    return full
