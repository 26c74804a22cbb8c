"""`packager build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from packager.api.settings import BUILD_SETTINGS, SOURCE_SETTINGS
from packager.cli.output import (
    Console,
    check_folder,
    json_option,
    json_text,
    pass_console,
    write_atomically,
)
from packager.cli.setting_options import model_argument, setting_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packager.building.plan import BuildPlan
    from packager.building.story import BuildReport
    from packager.checking.report import Measurements


@click.command(
    epilog="""
    \b
    Examples:
      packager build models:/MyRandomForest/latest
      packager build models:/MyRandomForest@champion --output dist/ --architecture arm64
      packager build runs:/0a1b2c/model --runtime python3.12 --report report.json
      packager build model.skops --flavor sklearn --input-example rows.csv
      packager build MODEL --code-path mymod.py
      packager build MODEL --locked --lock pylock.toml
      packager build MODEL --with dist/mylib-1.0-py3-none-any.whl --drop matplotlib
      packager build MODEL --package image
      packager build MODEL --layer
      packager build MODEL --optimize none
    """
)
@model_argument
@setting_options(SOURCE_SETTINGS)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="Folder for the bundle; replaced as a whole, or left as it was.",
)
@setting_options(BUILD_SETTINGS)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the build report as JSON to this file.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show what would be built; write no bundle. The model is loaded all the same, to see"
    " whether it can be, and compiles.",
)
@json_option
@pass_console
def command(
    console: Console,
    model: str,
    settings: dict[str, Any],
    output: Path,
    report: Path | None,
    dry_run: bool,
) -> None:
    """Build a Lambda bundle from MODEL.

    MODEL is an MLflow model folder, a models:/, runs:/ or s3:// URI, or a bare model file
    or folder. Writes function.zip, model.zip (unless embedded), bundle.json,
    pylock.toml, sbom.cdx.json, template.yaml and events/ into the output folder; for an image
    also a Dockerfile, with --layer also layer.zip. The bundle is checked before it gets
    there: `packager check --help`.
    """
    from packager.api.builds import build, plan
    from packager.api.models import open_model
    from packager.api.settings import build_config, source_options

    config = build_config(settings)
    if settings["strict"] and settings["no-check"]:
        raise click.UsageError("--strict says how to check, and --no-check not to")
    if report and report.absolute().parent != output.absolute():  # which the build makes
        if output.absolute() in report.absolute().parents:
            raise click.UsageError(f"{report}: the build replaces {output}, and all folders in it")
        check_folder(report)
    console.step(f"Opening {model}")
    with open_model(model, **source_options(settings), progress=console) as opened:
        planned = plan(opened, config, output=output, progress=console)
        if dry_run:
            console.show(planned.to_dict(), _plan_lines(planned, output))
            return
        for warning in planned.warnings:  # before the check runs the model's code
            console.warn(warning)
        built = build(
            planned,
            output,
            is_checked=not settings["no-check"],
            is_strict=settings["strict"],
            progress=console,
        )
    for warning in built.warnings[len(planned.warnings) :]:
        console.warn(warning)
    if report:
        write_atomically(report, f"{json_text(built.to_dict())}\n".encode())
    console.show(built.to_dict(), _report_lines(built))


def _plan_lines(plan: BuildPlan, output: Path) -> Iterator[str]:
    from packager.building.plan import changes

    layer = " with a layer" if plan.config.has_layer else ""
    form = f"{plan.package_type}{layer}, model {plan.model_source}"
    yield f"would build  {plan.spec.info.flavor} model ({plan.spec.info.serialization_format})"
    yield f"for          {plan.target.description}, as {form}"
    yield f"into         {output}"
    yield from (f"note         {note}" for note in plan.notes)
    yield f"packages     {len(plan.lock.packages)}"
    yield from (f"  {package.name}=={package.version}" for package in plan.lock.packages)
    yield from changes(plan.requirements)
    yield from (f"warning      {warning}" for warning in plan.warnings)


def _report_lines(report: BuildReport) -> Iterator[str]:
    from packager.checking.proof import describe_proof

    info, facts = report.manifest.model, report.dependencies
    yield f"built {report.output}, {describe_proof(report.proof)}"
    model = f"{info.flavor} model ({info.serialization_format})"
    yield f"{model} for {report.plan.target.description}"
    yield from report.plan.notes
    untrimmed = f"{facts.untrimmed_bytes / 1e6:.1f} MB before trimming"
    limit = "; Lambda takes 262.1" if report.plan.package_type == "zip" else ""
    yield f"unzipped {report.unzipped_bytes / 1e6:.1f} MB ({untrimmed}{limit})"
    if facts.parquet_reader:
        yield f"parquet reader: {facts.parquet_reader.weight}"
    yield from _check_lines(report)
    for artifact in report.manifest.artifacts:
        if "/" not in artifact.path:
            yield f"  {artifact.size_bytes:>12,} B  {artifact.path}"
    events = sum(artifact.path.startswith("events/") for artifact in report.manifest.artifacts)
    yield f"  {events:>12}    sample events in events/"


def _measured(measurements: Measurements) -> str:
    figures = []
    if measurements.init_duration_ms is not None:
        figures.append(f"init {measurements.init_duration_ms:.0f} ms")
    if measurements.peak_memory_mib is not None:
        figures.append(f"peak memory {measurements.peak_memory_mib} MiB")
    if measurements.largest_difference is not None:
        figures.append(f"largest difference {measurements.largest_difference:.1g}")
    return f" ({', '.join(figures)})" if figures else ""


def _check_lines(report: BuildReport) -> Iterator[str]:
    if report.checked is None:
        yield "not checked: --no-check"
        return
    passed = sum(entry.status == "passed" for entry in report.checked.entries)
    yield f"checked: {passed} checks passed{_measured(report.checked.measurements)}"
    for entry in report.checked.not_made:
        yield f"  not made: {entry.name}: {entry.detail}"
